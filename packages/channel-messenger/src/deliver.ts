import type { DeliveryContext, JsonObject, Logger } from '@plugboard/core'
import { deliverer, sendsAction } from '@plugboard/graph-api/messaging'
import type { Call, Session } from './api.js'
import type { Config } from './config.js'
import { isContentRefused } from './failure.js'
import { form } from './outbound.js'
import { uploadedForm } from './upload.js'

type Context = DeliveryContext<Config, Session>

/** Sends one message. A file that Messenger does not fetch is uploaded; what it refuses then is sent as texts. */
export const deliver = (call: Call, fetch: typeof globalThis.fetch, logger: Logger) =>
  deliverer<Context>({
    ...{ provider: 'Messenger', post: post(call), form, isContentRefused, logger },
    uploadedForm: (message: JsonObject, context: Context) => uploadedForm(message, { call, fetch, context }),
  })

/** https://developers.facebook.com/docs/messenger-platform/reference/send-api */
const post = (call: Call) => (body: object, context: Context) => {
  const path = [context.integration.config.pageId, 'messages']
  const isMessage = 'message' in body
  return call({ path, json: { ...(isMessage && { messaging_type: 'RESPONSE' }), ...body } }, context)
}

/** For up to 20 seconds. */
export const indicateTyping = (call: Call) => sendsAction<Context>({ post: post(call) }, 'typing_on')
export const markRead = (call: Call) => sendsAction<Context>({ post: post(call) }, 'mark_seen')
