import {
  type DeliveryContext,
  FailureError,
  isJsonObject,
  type Part,
  type Sent,
  type SentPart,
} from '@plugboard/core'
import type { Session, TeamsApi } from './api.js'
import type { Config } from './config.js'
import { activitiesOf } from './deliver.js'
import { partsOf, placeOf } from './endpoint.js'
import { RefusedError } from './failure.js'

type Context = DeliveryContext<Config, Session>

/** Changes a message; into one of another kind too. */
export const edit =
  (api: TeamsApi) =>
  async (sent: SentPart, { args }: Part, context: Context): Promise<Sent> => {
    const { path, activity } = addressOf(sent, context)
    await api.call(context, { method: 'PUT', path, body: { ...(isJsonObject(args) && args), id: activity } })
    return { providerMessageIds: [] }
  }

/** Deletes a message. One that is not there any more is deleted. */
export const remove =
  (api: TeamsApi) =>
  async (sent: SentPart, context: Context): Promise<void> => {
    try {
      await api.call(context, { method: 'DELETE', path: addressOf(sent, context).path })
    } catch (error) {
      const isGone = error instanceof RefusedError && error.code === 'ActivityNotFoundInConversation'
      if (!isGone) throw error
    }
  }

/**
 * The address of a message. Its id names the conversation without the thread, which the endpoint has.
 * @throws FailureError if the id is not one of a message in Teams
 */
function addressOf(
  { providerMessageIds: [id = ''] }: SentPart,
  { endpoint: { thread } }: Context,
): { path: string; activity: string } {
  const parts = partsOf(id)
  if (!parts) throw new FailureError({ kind: 'invalid', message: 'the id of the message is none of Teams' })
  const { conversation, activity } = parts
  const place = placeOf(thread) === conversation ? thread : conversation
  return { path: `${activitiesOf(place)}/${encodeURIComponent(activity)}`, activity }
}
