/**
 * Meta's Graph API, for channels of WhatsApp, Messenger and Instagram: signed webhooks, calls, errors and uploads.
 * @packageDocumentation
 */
export { type Graph, type GraphCall, type GraphForm, graphApi } from './api.js'
export { classifierOf, type FailureTable, type Meaning } from './failure.js'
export { filledText, GRAPH_URL, graphUrl, MAX_NOTIFICATION_VALUES, tokenText } from './fields.js'
export { GraphError, type GraphErrorDetails, quotable } from './graph-error.js'
export { openSource, type Source, type SourceLimits } from './source.js'
export { uploadSource } from './upload.js'
export { GRAPH_VERSION } from './version.js'
export { answerHandshake, verifyWebhook, type WebhookSecrets } from './webhook.js'
