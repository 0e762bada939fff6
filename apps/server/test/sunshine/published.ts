import { z } from 'zod'
import { publishedOfApps } from './published-apps.js'

/**
 * What the published document (OpenAPI, version 17.12.1) says of answers: their fields, types and limits, and nothing
 * else. A field that it does not know is a fault.
 */

const id = z.string().regex(/^[0-9a-f]{24}$/)
const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const metadata = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
const text = (max: number) => z.string().min(1).max(max)

const conversation = z.strictObject({
  id,
  type: z.enum(['personal', 'sdkGroup']),
  isDefault: z.boolean(),
  displayName: text(100).optional(),
  description: text(100).optional(),
  iconUrl: z.url().max(2048).optional(),
  metadata: metadata.optional(),
  businessLastRead: time.optional(),
  lastUpdatedAt: time,
  createdAt: time,
})

const user = z.strictObject({
  id,
  externalId: text(1024).optional(),
  authenticated: z.boolean(),
  brandId: z.string().optional(),
  signedUpAt: time.optional(),
  toBeRetained: z.boolean().optional(),
  profile: z.strictObject({
    givenName: z.string().max(128).optional(),
    surname: z.string().max(128).optional(),
    email: z.string().max(128).optional(),
    avatarUrl: z.url().max(2048).optional(),
    locale: z.string().max(64).optional(),
  }),
  metadata,
  identities: z.array(z.strictObject({ type: z.string(), value: z.string(), verification: z.unknown() })),
})

const link = { text: text(128), metadata: metadata.optional() }
const itemActions = [
  z.strictObject({ type: z.literal('postback'), ...link, payload: text(1000) }),
  z.strictObject({ type: z.literal('link'), ...link, uri: z.string(), default: z.boolean().optional() }),
  z.strictObject({
    type: z.literal('webview'),
    ...link,
    uri: z.string(),
    fallback: z.string(),
    size: z.enum(['compact', 'tall', 'full']).optional(),
    openOnReceive: z.boolean().optional(),
    default: z.boolean().optional(),
  }),
  z.strictObject({ type: z.literal('buy'), ...link, amount: z.int(), currency: z.string().optional() }),
] as const
const actions = z
  .array(
    z.discriminatedUnion('type', [
      ...itemActions,
      z.strictObject({
        type: z.literal('reply'),
        ...link,
        payload: text(1000),
        iconUrl: z.url().optional(),
      }),
      z.strictObject({ type: z.literal('locationRequest'), ...link }),
    ]),
  )
  .min(1)
const item = z.strictObject({
  title: text(128),
  description: text(128).optional(),
  mediaUrl: z.url().optional(),
  mediaType: z.string().optional(),
  altText: text(128).optional(),
  size: z.enum(['compact', 'large']).optional(),
  actions: z
    .array(z.discriminatedUnion('type', [...itemActions]))
    .min(1)
    .max(3),
  metadata: metadata.optional(),
})
const texts = { text: z.string().max(4096).optional(), htmlText: z.string().optional() }
const media = {
  mediaUrl: z.url(),
  mediaType: z.string().optional(),
  mediaSize: z.number().optional(),
  altText: text(128).optional(),
  attachmentId: z.string().optional(),
  ...texts,
}
const field = { name: text(128), label: text(128), placeholder: text(128).optional() }
const content = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('text'),
    ...texts,
    payload: z.string().optional(),
    actions: actions.optional(),
    blockChatInput: z.boolean().optional(),
  }),
  z.strictObject({ type: z.literal('image'), ...media, actions: actions.optional() }),
  z.strictObject({ type: z.literal('file'), ...media }),
  z.strictObject({
    type: z.literal('location'),
    text: z.string().optional(),
    coordinates: z.strictObject({ lat: z.number(), long: z.number() }),
    location: z.strictObject({ address: z.string().optional(), name: z.string().optional() }).optional(),
  }),
  z.strictObject({
    type: z.literal('carousel'),
    items: z.array(item).min(1).max(10),
    displaySettings: z.strictObject({ imageAspectRatio: z.enum(['horizontal', 'square']) }).optional(),
  }),
  z.strictObject({
    type: z.literal('list'),
    items: z.array(item).min(1).max(10),
    actions: actions.optional(),
  }),
  z.strictObject({
    type: z.literal('form'),
    submitted: z.boolean(),
    text: z.string().optional(),
    blockChatInput: z.boolean().optional(),
    fields: z
      .array(
        z.discriminatedUnion('type', [
          z.strictObject({
            type: z.literal('text'),
            ...field,
            minSize: z.int().optional(),
            maxSize: z.int().optional(),
            format: z.enum(['integer', 'decimal']).optional(),
          }),
          z.strictObject({ type: z.literal('email'), ...field }),
          z.strictObject({
            type: z.literal('select'),
            ...field,
            options: z.array(z.strictObject({ name: text(128), label: text(128) })),
          }),
        ]),
      )
      .min(1)
      .max(20),
  }),
  z.strictObject({ type: z.literal('template'), template: z.record(z.string(), z.unknown()) }),
])

const message = z.strictObject({
  id,
  received: time,
  author: z.strictObject({
    type: z.enum(['business', 'user']),
    subtypes: z
      .array(z.enum(['AI', 'bot', 'agent', 'activity']))
      .length(1)
      .optional(),
    userId: id.optional(),
    displayName: z.string().optional(),
    avatarUrl: z.url().optional(),
  }),
  content,
  source: z.strictObject({
    type: z.string(),
    integrationId: id.optional(),
    originalMessageId: z.string().optional(),
    originalMessageTimestamp: time.optional(),
  }),
  metadata: metadata.optional(),
  quotedMessage: z.record(z.string(), z.unknown()).optional(),
  references: z
    .array(z.strictObject({ uri: z.url(), title: z.string().optional(), description: z.string().optional() }))
    .min(1)
    .max(10)
    .optional(),
  deleted: z.boolean().optional(),
})

const participant = z.strictObject({
  id,
  userId: id,
  userExternalId: z.string().optional(),
  unreadCount: z.int().min(0),
  lastRead: time.optional(),
  clientAssociations: z.array(z.strictObject({ type: z.string(), clientId: id })),
})

const client = z.strictObject({
  id,
  type: z.string(),
  status: z.enum(['active', 'blocked', 'inactive', 'pending']),
  integrationId: id.optional(),
  externalId: z.string().optional(),
  lastSeen: time.optional(),
  linkedAt: time.optional(),
  displayName: z.string().optional(),
  avatarUrl: z.url().optional(),
  info: z.unknown().optional(),
  raw: z.unknown().optional(),
})

const page = {
  meta: z.strictObject({ hasMore: z.boolean(), afterCursor: id.optional(), beforeCursor: id.optional() }),
  links: z.strictObject({ next: z.url().optional(), prev: z.url().optional() }),
}
const nothing = z.strictObject({})

const ofConversation = z.strictObject({ conversation })
const ofUser = z.strictObject({ user })

/** By operation, in the spelling of the official client. */
export const publishedAnswers = {
  createConversation: ofConversation,
  getConversation: ofConversation,
  updateConversation: ofConversation,
  listConversations: z.strictObject({ conversations: z.array(conversation), ...page }),
  deleteConversation: nothing,
  createUser: ofUser,
  getUser: ofUser,
  updateUser: ofUser,
  deleteUser: nothing,
  deleteUserPersonalInformation: ofUser,
  postMessage: z.strictObject({ messages: z.array(message).min(1) }),
  listMessages: z.strictObject({ messages: z.array(message), ...page }),
  deleteMessage: nothing,
  deleteAllMessages: nothing,
  joinConversation: z.strictObject({ participant }),
  listParticipants: z.strictObject({ participants: z.array(participant), ...page }),
  leaveConversation: nothing,
  postActivity: nothing,
  listClients: z.strictObject({ clients: z.array(client), ...page }),
  removeClient: nothing,
  uploadAttachment: z.strictObject({
    attachment: z.strictObject({ mediaUrl: z.url(), mediaType: z.string() }),
  }),
  deleteAttachment: nothing,
  downloadMessageRef: z.looseObject({}),
  ...publishedOfApps,
} as const satisfies Record<string, z.ZodType>
