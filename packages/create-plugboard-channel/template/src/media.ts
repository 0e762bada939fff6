import type { CallContext, Json, OpenMedia } from '@plugboard/core'
import type { Api, Session } from './api.js'
import type { Config } from './config.js'
import { id } from './inbound.js'

/** Opens a file that an event named. The reference is an id and no address, so that it can lead nowhere else. */
export const openMedia =
  (api: Api) =>
  async (ref: Json, { integration, signal }: CallContext<Config, Session>): Promise<OpenMedia> => {
    const { body, headers } = await api(
      `/v1/files?id=${encodeURIComponent(id.parse(ref))}`,
      integration.session,
      {
        signal,
      },
    )
    if (!body) throw new Error('the file is empty')
    const mime = headers.get('content-type')
    const size = headers.get('content-length')
    return { body, ...(mime !== null && { mime }), ...(size !== null && { size: Number(size) }) }
  }
