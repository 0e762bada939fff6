/**
 * For tests of channels of Meta: a fake Graph API that refuses what the real one refuses, and signed webhooks.
 * @packageDocumentation
 */
export {
  type GraphFakeOptions,
  type GraphRequest,
  graphAnswer,
  graphFaultAnswers,
  graphRefusal,
  jsonAnswer,
} from './graph-answer.js'
export { type MessagesRules, messagesAnswer, type ShownMessage } from './messages-answer.js'
export { type FormPart, readForm } from './read-form.js'
export { handshakeUrl, signWebhook } from './sign-webhook.js'
