/**
 * Shared by every Plugboard package: the domain terms, the content types, and the channel contract.
 * @packageDocumentation
 */
export { bodyLimits, formFault, jsonFault, readJson } from './body-limits.js'
export { type Button, type ButtonReply, buttonsOf, numberedAnswer, replaceButtons } from './buttons.js'
export {
  type Alias,
  type CallContext,
  type Capabilities,
  type Channel,
  type ChannelHost,
  type ChannelRuntime,
  CONTRACT_VERSION,
  capabilitiesAt,
  channelNamePattern,
  type DeliveryContext,
  type DeliveryStatus,
  defineChannel,
  type Heard,
  type HostWebSocket,
  type InboundContent,
  type InboundEvent,
  type InboundRequest,
  type InboundResponse,
  type InboundShape,
  type Integration,
  type IntegrationMode,
  type IntegrationState,
  isChannel,
  type ListenContext,
  type MediaRef,
  type OpenMedia,
  type OutboundContent,
  type Pace,
  type Part,
  type Person,
  type Received,
  type ReplyWindow,
  type Routed,
  type Sent,
  type SentPart,
  type Verdict,
} from './channel.js'
export {
  type Action,
  type Card,
  type Choice,
  type Content,
  type ContentOf,
  type ContentType,
  contentSchema,
  contentTypes,
} from './content.js'
export type { Conversation } from './conversation.js'
export { type Degraded, degrade, type NumberedOption } from './degrade.js'
export type { Endpoint } from './endpoint.js'
export {
  type ErrorCode,
  type ErrorDetails,
  errorCodes,
  type Issue,
  invalid,
  isPlugboardError,
  PlugboardError,
} from './errors.js'
export { type Failure, FailureError, type FailureKind, failureKinds } from './failure.js'
export { fileNameIn } from './file-name.js'
export { createIdSource, fromUuid, type Id, idTime, isId, newId, shortId, toUuid } from './id.js'
export { isUrl } from './is-url.js'
export {
  isJsonObject,
  isStorable,
  type Json,
  type JsonObject,
  jsonObjectOf,
  parseJsonObject,
} from './json.js'
export { type Logger, silentLogger } from './logger.js'
export type { Author, Message, MessageDetails } from './message.js'
export { isForbiddenTarget, networkFailure } from './network-failure.js'
export { isPlainUrl } from './plain-url.js'
export { AnswerTooLarge, exchange, jsonInAnswer, readAnswer } from './provider-answer.js'
export { openProviderFile, type ProviderFile } from './provider-file.js'
export { type ContentReading, contentFaults, readContent } from './read-content.js'
export { retryAfterMs } from './retry-after.js'
export { splitText, truncate } from './split-text.js'
export type { User } from './user.js'
