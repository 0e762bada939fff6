import type { DeliveryContext, Logger } from '@plugboard/core'
import type { Graph } from '@plugboard/graph-api'
import { deliverer, sendsAction } from '@plugboard/graph-api/messaging'
import { asAccount, type Session } from './api.js'
import type { Config } from './config.js'
import { isContentRefused } from './failure.js'
import { form } from './outbound.js'

type Context = DeliveryContext<Config, Session>

/** Sends one message. A file or a template that Instagram refuses is sent once more, as texts. */
export const deliver = (graph: Graph, logger: Logger) =>
  deliverer<Context>({ provider: 'Instagram', post: post(graph), form, isContentRefused, logger })

/** https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/messaging-api */
const post = (graph: Graph) => (json: object, context: Context) =>
  asAccount(graph)({ path: [context.integration.config.accountId, 'messages'], json }, context)

/** …/messaging-api/sender-actions */
export const indicateTyping = (graph: Graph) => sendsAction<Context>({ post: post(graph) }, 'typing_on')
export const markRead = (graph: Graph) => sendsAction<Context>({ post: post(graph) }, 'mark_seen')
