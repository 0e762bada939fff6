import { readdirSync, readFileSync } from 'node:fs'
import type { HostWebSocket, InboundEvent, InboundRequest } from '../channel.js'
import type { FailureKind } from '../failure.js'
import type { Json, JsonObject } from '../json.js'
import type { Answer, Fault, ProviderCall } from './fake-provider.js'

/** A recorded request of the provider without its signature, and the events that it means. */
export interface Recording {
  name: string
  /** Source of the request: when and with which version it was captured, or a page of the vendor. */
  origin: string
  recordedAt: Date
  request: InboundRequest
  events: InboundEvent[]
}

/** Expected result of a fault: a kind of failure, or `sent` if the provider's answer still confirms the message. */
export type Outcome = FailureKind | 'sent'

/** Results of faults with most providers; override what differs: `{ ...usualOutcomes, garbage: 'sent' }`. */
export const usualOutcomes: Readonly<Record<Fault, Outcome>> = {
  refused: 'transient',
  reset: 'ambiguous',
  'lost-answer': 'ambiguous',
  hang: 'ambiguous',
  truncated: 'ambiguous',
  endless: 'ambiguous',
  garbage: 'ambiguous',
  redirect: 'transient',
  unauthorized: 'auth',
  'server-error': 'ambiguous',
  'rate-limited': 'rate-limited',
  'rate-limited-for-2-s': 'rate-limited',
}

/** A provider that a channel listens to. */
export interface ListenProvider<Config> {
  /** Address for `configs` and `options`. */
  url: string
  /** A person writes a text to the account of a configuration. */
  say(config: Config, text: string): void
  /** How many events of the account were not confirmed. */
  unconfirmed(config: Config): number
  /** Refuses all credentials from now on. */
  refuse(): void
  /** Opens a socket, as the host does. Default: the channel needs none. */
  webSocket?(url: string): HostWebSocket
  close(): Promise<void>
}

/** What the suite needs to know about a channel and its provider. */
export interface ChannelFixtures<Config> {
  /**
   * Valid configurations of two tenants with different credentials, in wire format. Each has every secret field. A
   * configuration that contains the address to call uses `providerUrl`.
   */
  configs(providerUrl: string): readonly [object, object]
  /** The operator's options that send calls to `providerUrl`. Default: `{}`. */
  options?(providerUrl: string): unknown
  /** Configurations that must be rejected, by a name for their fault. */
  invalidConfigs: Readonly<Record<string, unknown>>
  /** At least two recordings with different events; {@link readRecordings} reads them from files. */
  recordings: readonly Recording[]
  /** Signs a request like the provider at that time. Must not use the channel's code. */
  sign(request: InboundRequest, config: Config, at: Date): InboundRequest
  /**
   * What the channel remembers about an integration before each case, such as an access token. With it, the faults of the
   * cases meet deliveries, and not the request for a token. Default: nothing.
   */
  state?(config: Config): JsonObject
  /** A request to the shared URL of an app. Needed if the channel declares `inbound.isShared`. */
  shared?: {
    /** Configurations of two tenants that use the app. Default: `configs` of {@link ChannelFixtures}. */
    configs?(providerUrl: string): readonly [object, object]
    /** With events of both tenants. */
    request: InboundRequest
    recordedAt: Date
    /** Signs with the operator's secret in `options`. */
    sign(request: InboundRequest, at: Date): InboundRequest
    /** The events of each tenant, in the order of `configs`. */
    events: readonly [readonly InboundEvent[], readonly InboundEvent[]]
    /** Whether the signature covers the time. Default: true. */
    hasTime?: boolean
  }
  /** Headers that every genuine request has. */
  signatureHeaders: readonly string[]
  provider: {
    /** Answer to a successful call. Default: 200 and `{}`. */
    answer?(call: ProviderCall): Answer | Promise<Answer>
    /** Answers to faults in the provider's own form. Default: plain status codes. */
    faultAnswers?: Partial<Record<Fault, Answer>>
    /** Whether a call shows something to a person. Default: every call does. */
    isVisible?(call: ProviderCall): boolean
    /** Whether a call carries the credentials of this configuration. */
    isFrom(call: ProviderCall, config: Config): boolean
    /** The idempotency key of a call. Absent when the provider takes none. */
    idempotencyKey?(call: ProviderCall): string | undefined
    /** Answer to a key that the provider has already accepted, if it is another one than to the first call. */
    repeatAnswer?: Answer
  }
  /** Starts a provider to listen to. Needed if the channel declares the mode `listen`. */
  listen?(): Promise<ListenProvider<Config>>
  /** A file of the fake provider and its reference. Absent for channels without `openMedia`. */
  file?: { ref: Json; body: string }
  /** A template of the fake provider. Default: it has every template. */
  template?: { name: string; language: string }
  /** Expected result of each fault; usually {@link usualOutcomes}. */
  outcomes: Readonly<Record<Fault, Outcome>>
  /** The built entry of the package, to check that importing it has no effect. */
  entry?: URL
  /** Packages that `load` may import but an import of the channel must not. */
  lazy?: readonly string[]
  /** Reasons for skipped cases, by the name of the case. */
  skip?: Readonly<Record<string, string>>
}

/**
 * Reads every `*.json` of a folder: `{origin, recordedAt, request: {method?, publicUrl?, headers, body}, events}` with
 * the body as text and dates in ISO form.
 */
export function readRecordings(folder: URL): Recording[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'))
  return files.sort().map((file) => {
    const recording = JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
    return {
      ...recording,
      name: file.replace(/\.json$/, ''),
      recordedAt: new Date(recording.recordedAt),
      request: {
        method: 'POST',
        publicUrl: 'https://hub.example/webhooks/v1/acme/channel',
        ...recording.request,
        body: Buffer.from(recording.request.body),
      },
      events: recording.events.map((event: { at: string; until?: string }) => ({
        ...event,
        at: new Date(event.at),
        ...(event.until !== undefined && { until: new Date(event.until) }),
      })),
    }
  })
}
