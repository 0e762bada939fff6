import { isStorable } from '@plugboard/core'
import { z } from 'zod'
import { short as atMost, few, fewMembers, isSmall, jsonObject, small } from '../bounded-schemas.js'
import { contentSchema } from './content-schemas.js'

/** Bodies of requests. */

const MAX_METADATA_BYTES = 4096

/** Flat, with a bounded size. Null removes a key in a merge. */
export const metadata = (of: string) =>
  small(
    z.record(
      z.string().refine(isStorable, 'metadata has a key that cannot be stored'),
      z.union([z.string(), z.number(), z.boolean(), z.null()]),
    ),
    MAX_METADATA_BYTES,
    `${of} metadata is limited to ${MAX_METADATA_BYTES} bytes in size.`,
  )

/** @throws bad_request's words when the whole is too big after a merge */
export const isSmallMetadata = (value: object): boolean => isSmall(value, MAX_METADATA_BYTES)

const UNSTORABLE = 'a text has characters that cannot be stored'
const storable = z.string().refine(isStorable, UNSTORABLE)
const short = storable.min(1).max(100)
const externalId = storable.min(1).max(1024)
const MAX_URL = 2048
const url = atMost(z.url().min(1), MAX_URL)
/** Ids of a wrong shape are as unknown as any other. */
const anyId = z.string()

const one = (...names: string[]) => {
  const words = `should have exactly one of the properties ${names.map((name) => `'${name}'`).join(', ')}`
  const isOne = (value: object) =>
    names.filter((name) => (value as Record<string, unknown>)[name] !== undefined).length === 1
  return [isOne, words] as const
}

const participant = z
  .object({
    userId: anyId.optional(),
    userExternalId: externalId.optional(),
    subscribeSDKClient: z.boolean().optional().meta({
      description:
        'Whether the user gets a client of type `sdk`. Must be true for a participant of an `sdkGroup`',
    }),
  })
  .refine(...one('userId', 'userExternalId'))

const isSubscribed = ({ subscribeSDKClient }: { subscribeSDKClient?: unknown }): boolean =>
  subscribeSDKClient === true

const conversationFields = {
  displayName: short.nullish(),
  description: short.nullish(),
  iconUrl: url.nullish(),
  metadata: metadata('Conversation').nullish(),
}

export const createConversation = z
  .object({
    type: z.enum(['personal', 'sdkGroup']),
    participants: few(participant, { max: 10, message: 'Too many participants' }).optional(),
    ...conversationFields,
  })
  .refine(
    ({ type, participants }) => type !== 'personal' || participants?.length === 1,
    'a personal conversation should have exactly 1 participant',
  )
  .refine(
    ({ type, participants = [] }) => type !== 'sdkGroup' || participants.every(isSubscribed),
    'participants[].subscribeSDKClient should be true for a conversation of type sdkGroup',
  )

export const updateConversation = z.object(conversationFields)

/** Only groups can be joined. */
export const join = participant.refine(
  isSubscribed,
  '.subscribeSDKClient should be true for a conversation of type sdkGroup',
)

export const leave = z
  .object({
    userId: anyId.optional(),
    userExternalId: externalId.optional(),
    participantId: anyId.optional(),
  })
  .refine(...one('userId', 'userExternalId', 'participantId'))

const author = z
  .object({
    type: z.enum(['business', 'user']),
    userId: anyId.optional(),
    userExternalId: externalId.optional(),
    brandId: z.string().optional(),
    displayName: storable.max(255).optional(),
    avatarUrl: url.optional(),
    subtypes: few(z.enum(['AI', 'activity', 'agent', 'bot']), { min: 1, max: 1 }).optional(),
  })
  .refine(
    ({ type, userId, userExternalId }) =>
      type === 'business' || (userId === undefined) !== (userExternalId === undefined),
    "an author of type user should have exactly one of the properties 'userId', 'userExternalId'",
  )

const reference = z.object({
  uri: url,
  title: z.string().max(255).optional(),
  description: z.string().max(1024).optional(),
})

/** Maximum channels with a separate payload per message. */
const MAX_OVERRIDES = 50

export const postMessage = z.object({
  author,
  content: contentSchema,
  metadata: metadata('Message').optional(),
  destination: z
    .object({ integrationId: anyId.optional(), integrationType: z.string().optional() })
    .refine(...one('integrationId', 'integrationType'))
    .optional(),
  override: fewMembers(z.object({ payload: z.unknown() }), MAX_OVERRIDES).optional(),
  schema: z.literal('whatsapp').optional(),
  quotedMessage: jsonObject.optional(),
  references: few(reference, { min: 1, max: 10 }).optional(),
})

/** Ours: this API has no way to change a message. */
export const editMessage = z
  .object({ content: contentSchema.optional(), metadata: metadata('Message').nullish() })
  .refine(({ content, metadata }) => (content ?? metadata) !== undefined, 'should have content or metadata')

export const activity = z.object({
  author,
  type: z.enum(['conversation:read', 'typing:start', 'typing:stop']),
})

/** Not the stricter default of zod, which refuses valid addresses such as those with letters of other scripts. */
const emailAddress = atMost(z.email({ pattern: z.regexes.unicodeEmail }).refine(isStorable, UNSTORABLE), 128)

const profile = z.object({
  givenName: storable.max(128).nullish(),
  surname: storable.max(128).nullish(),
  email: emailAddress.nullish(),
  avatarUrl: url.nullish(),
  locale: storable.max(64).nullish(),
})

const userFields = {
  signedUpAt: atMost(z.iso.datetime({ offset: true }), 100).nullish(),
  toBeRetained: z.boolean().optional(),
  profile: profile.nullish(),
  metadata: metadata('User').nullish(),
}

export const createUser = z.object({
  externalId: externalId.optional(),
  brandId: z.string().optional(),
  ...userFields,
})
export const updateUser = z.object(userFields)

/** Answers, for the document of the API. */
export const conversation = z.looseObject({
  id: z.string(),
  type: z.enum(['personal', 'sdkGroup']),
  isDefault: z.boolean(),
  lastUpdatedAt: z.iso.datetime(),
  createdAt: z.iso.datetime(),
})
export const user = z.looseObject({
  id: z.string(),
  authenticated: z.boolean(),
  profile: z.looseObject({}),
  metadata: z.looseObject({}),
  identities: z.array(z.looseObject({})),
})
export const message = z.looseObject({
  id: z.string(),
  received: z.iso.datetime(),
  author: z.looseObject({}),
  content: z.looseObject({}),
  source: z.looseObject({}),
})
export const participantAnswer = z.looseObject({
  id: z.string(),
  userId: z.string(),
  unreadCount: z.int(),
})
export const page = {
  meta: z.looseObject({ hasMore: z.boolean() }),
  links: z.looseObject({}),
}
export const empty = z.object({})
