import { isStorable, isUrl } from '@plugboard/core'
import { z } from 'zod'
import { few, jsonValue, short } from '../bounded-schemas.js'
import { metadata } from './schemas.js'

/** Bodies of requests about apps, integrations, keys and webhooks. */

const text = (max: number) =>
  z.string().refine(isStorable, 'a text has characters that cannot be stored').min(1).max(max)

/** Display name of an app, an integration or a key. */
const displayName = text(100)

const settings = z.object({
  conversationRetentionSeconds: z.int().min(0).max(3_155_673_600).nullish(),
  maskCreditCardNumbers: z.boolean().optional(),
  useAnimalNames: z.boolean().optional(),
  echoPostback: z.boolean().optional(),
  ignoreAutoConversationStart: z.boolean().optional(),
  multiConvoEnabled: z.boolean().optional(),
  appLocalizationEnabled: z.boolean().optional(),
  endSessionEnabled: z.boolean().optional(),
  disableConversationReopen: z.boolean().optional(),
})

export const createApp = z.object({
  displayName,
  settings: settings.optional(),
  metadata: metadata('App').nullish(),
})
export const updateApp = createApp.partial()

export const createKey = z.object({ displayName })

/** Triggers of webhooks. Those that never fire are accepted too, because they are harmless. */
export const TRIGGERS = [
  'conversation:create',
  'conversation:join',
  'conversation:leave',
  'conversation:message',
  'conversation:message:delivery:channel',
  'conversation:message:delivery:failure',
  'conversation:message:delivery:user',
  'conversation:postback',
  'conversation:read',
  'conversation:referral',
  'conversation:remove',
  'conversation:typing',
  'client:add',
  'client:remove',
  'client:update',
  'user:delete',
  'user:merge',
  'user:remove',
  'user:update',
] as const

export type Trigger = (typeof TRIGGERS)[number]

/** Families of what this server has nothing of. Their names differ by channel, and from one document to the next. */
const ELSEWHERE = /^(passthrough|switchboard)(:[a-zA-Z]+){1,3}$/

const isTrigger = (name: string): boolean => ELSEWHERE.test(name) || TRIGGERS.some((known) => known === name)
const trigger = short(z.string().refine(isTrigger, 'triggers should be names of events'), 100)

const MAX_TRIGGERS = 50

const MAX_URL = 2048

const isHttpUrl = (text: string): boolean => isUrl(text) && /^https?:$/.test(new URL(text).protocol)

export const createWebhook = z.object({
  target: short(z.string().refine(isHttpUrl, 'target should be an http or https URL'), MAX_URL),
  triggers: few(trigger, { min: 1, max: MAX_TRIGGERS }),
  includeFullUser: z.boolean().optional(),
  includeFullSource: z.boolean().optional(),
})
export const updateWebhook = createWebhook.partial()

/** The fields of an integration depend on its type, and are checked with it. */
const integrationFields = {
  displayName: displayName.nullish(),
  // Ours: how a channel gets the events of its provider.
  mode: z.enum(['webhook', 'listen']).optional(),
}
export const createIntegration = z.object({ type: z.string(), ...integrationFields }).catchall(jsonValue)
export const updateIntegration = z.object(integrationFields).catchall(jsonValue)
export const customWebhooks = z.object({
  webhooks: few(createWebhook, {
    min: 1,
    max: 1,
    message: 'a custom integration should have exactly 1 webhook',
  }),
})

/** Answers, for the document of the API. */
export const app = z.looseObject({
  id: z.string(),
  displayName: z.string(),
  settings: z.looseObject({}),
  metadata: z.looseObject({}),
})
export const key = z.object({ id: z.string(), displayName: z.string(), secret: z.string() })
export const integration = z.looseObject({
  id: z.string(),
  type: z.string(),
  status: z.enum(['active', 'inactive', 'error']),
})
export const webhook = z.object({
  id: z.string(),
  version: z.literal('v2'),
  target: z.string(),
  triggers: z.array(z.string()),
  secret: z.string(),
  includeFullUser: z.boolean(),
  includeFullSource: z.boolean(),
})
