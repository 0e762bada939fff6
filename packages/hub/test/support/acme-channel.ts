import {
  type Capabilities,
  type Channel,
  defineChannel,
  type Id,
  type JsonObject,
  type Part,
} from '@plugboard/core'
import type { Runtime } from '../../src/channels/channels.js'
import type { PublicAddresses } from '../../src/ports/public-addresses.js'

/** Addresses of an installation of the tests. */
export const urls: PublicAddresses = {
  isPublic: true,
  webhook: (clientId, channel) => `https://hub.example/webhooks/v1/${clientId}/${channel}`,
  sharedWebhook: (channel) => `https://hub.example/webhooks/v1/${channel}`,
  media: (token) => `https://hub.example/media/v1/${token}`,
  attachment: ({ clientId, id, mac }, name = '') =>
    `https://hub.example/attachments/${clientId}/${id}/${mac}/${name}`,
  attachmentAt(url) {
    const [, base, clientId, id, mac] = /^(.*)\/attachments\/(\w+)\/(\w+)\/([\w-]+)/.exec(url) ?? []
    if (!clientId || !id || !mac) return undefined
    return { place: { clientId: clientId as Id, id: id as Id, mac }, isHere: base === 'https://hub.example' }
  },
}

/** A channel for tests: accepts any configuration, and delivers nowhere. */
export function acmeChannel(
  runtime: Partial<Runtime> = {},
  load?: () => Promise<never>,
  capabilities: Capabilities = { content: 'any', maxTextLength: 100 },
): Channel {
  return defineChannel({
    ...{ contract: 1, name: 'acme', version: '1.0.0', secrets: [] },
    config: {
      '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as JsonObject }) },
    },
    capabilities,
    load:
      load ??
      (async () => ({
        connect: () => undefined,
        verify: () => ({ ok: true }),
        parse: () => ({ events: [], response: { status: 200 } }),
        render: (content): Part[] => [{ call: 'send', args: content as JsonObject }],
        deliver: async () => ({ providerMessageIds: [] }),
        classify: () => ({ kind: 'transient', message: 'no' }),
        ...runtime,
      })),
  }) as Channel
}
