import { z } from 'zod'

/** What the published document says of answers about apps, integrations, keys and webhooks; see `published.ts`. */

const id = z.string().regex(/^[0-9a-f]{24}$/)
const metadata = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
const displayName = z.string().min(1).max(100)

const app = z.strictObject({
  id,
  displayName,
  settings: z.strictObject({
    conversationRetentionSeconds: z.int().optional(),
    maskCreditCardNumbers: z.boolean(),
    useAnimalNames: z.boolean(),
    echoPostback: z.boolean(),
    ignoreAutoConversationStart: z.boolean(),
    multiConvoEnabled: z.boolean(),
    appLocalizationEnabled: z.boolean(),
    endSessionEnabled: z.boolean(),
    disableConversationReopen: z.boolean(),
  }),
  metadata,
})

const key = (prefix: string) =>
  z.strictObject({
    id: z.string().regex(new RegExp(`^${prefix}_[0-9a-f]{24}$`)),
    displayName,
    secret: z.string().min(32),
  })

const webhook = z.strictObject({
  id,
  version: z.literal('v2'),
  target: z.url(),
  triggers: z.array(z.string()),
  secret: z.string().min(32),
  includeFullUser: z.boolean(),
  includeFullSource: z.boolean(),
})

const shared = { id, status: z.enum(['active', 'inactive', 'error']), displayName: displayName.optional() }
const integration = z.union([
  z.strictObject({ ...shared, type: z.literal('custom'), webhooks: z.array(webhook) }),
  z.strictObject({
    ...shared,
    type: z.literal('telegram'),
    username: z.string().optional(),
    botId: z.string().optional(),
  }),
  z.strictObject({
    ...shared,
    type: z.literal('twilio'),
    accountSid: z.string(),
    phoneNumberSid: z.string().optional(),
    messagingServiceSid: z.string().optional(),
    phoneNumber: z.string().optional(),
  }),
  // Of channels that the published document does not know.
  z.strictObject({
    ...shared,
    type: z.enum(['webhook', 'slack']),
    config: z.record(z.string(), z.unknown()),
  }),
])

const page = {
  meta: z.strictObject({ hasMore: z.boolean(), afterCursor: id.optional(), beforeCursor: id.optional() }),
  links: z.strictObject({ next: z.url().optional(), prev: z.url().optional() }),
}
const nothing = z.strictObject({})
const keys = (prefix: string) => z.strictObject({ keys: z.array(key(prefix)) })
const ofKey = (prefix: string) => z.strictObject({ key: key(prefix) })

/** By operation, in the spelling of the official client. */
export const publishedOfApps = {
  createApp: z.strictObject({ app }),
  getApp: z.strictObject({ app }),
  updateApp: z.strictObject({ app }),
  listApps: z.strictObject({ apps: z.array(app), ...page }),
  deleteApp: nothing,
  createAppKey: ofKey('app'),
  getAppKey: ofKey('app'),
  listAppKeys: keys('app'),
  deleteAppKey: nothing,
  createIntegration: z.strictObject({ integration }),
  getIntegration: z.strictObject({ integration }),
  updateIntegration: z.strictObject({ integration }),
  listIntegrations: z.strictObject({ integrations: z.array(integration), ...page }),
  deleteIntegration: nothing,
  createCustomIntegrationKey: ofKey('int'),
  getCustomIntegrationKey: ofKey('int'),
  listCustomIntegrationKeys: keys('int'),
  deleteCustomIntegrationKey: nothing,
  createWebhook: z.strictObject({ webhook }),
  getWebhook: z.strictObject({ webhook }),
  updateWebhook: z.strictObject({ webhook }),
  listWebhooks: z.strictObject({ webhooks: z.array(webhook) }),
  deleteWebhook: nothing,
} as const satisfies Record<string, z.ZodType>
