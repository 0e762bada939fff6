import { readdirSync, readFileSync } from 'node:fs'
import type { InboundEvent, InboundRequest } from '../channel.js'
import type { FailureKind } from '../failure.js'
import type { Json } from '../json.js'
import type { Answer, Fault, ProviderCall } from './fake-provider.js'

/** A request of the provider as it was recorded, its signature left out, and what it means. */
export interface Recording {
  name: string
  /** Where it comes from: captured on a day with a version, or taken from a page of the vendor. */
  origin: string
  recordedAt: Date
  request: InboundRequest
  events: InboundEvent[]
}

/** How a fault ends: a kind of failure, or `sent` when the provider's answer still says that it is done. */
export type Outcome = FailureKind | 'sent'

/** How the faults end with most providers; a channel names what differs: `{ ...usualOutcomes, garbage: 'sent' }`. */
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

/** What the suite has to know about a channel and its provider. */
export interface ChannelFixtures<Config> {
  /**
   * Valid configurations, as they stand on the wire, of two tenants with different credentials. Each has every secret
   * field. Where a configuration says where calls go, they go to `providerUrl`.
   */
  configs(providerUrl: string): readonly [object, object]
  /** What the operator sets so that calls go to `providerUrl`. Default: `{}`. */
  options?(providerUrl: string): unknown
  /** Configurations that must be refused, by what is wrong with them. */
  invalidConfigs: Readonly<Record<string, unknown>>
  /** At least two, with different events; {@link readRecordings} reads them from files. */
  recordings: readonly Recording[]
  /** Signs a request as the provider would at that time; independent of the channel's own code. */
  sign(request: InboundRequest, config: Config, at: Date): InboundRequest
  /** The headers without which a request cannot be genuine. */
  signatureHeaders: readonly string[]
  provider: {
    /** The answer to a call that goes well. Default: 200 and `{}`. */
    answer?(call: ProviderCall): Answer
    /** Answers to faults in the provider's own form. Default: plain status codes. */
    faultAnswers?: Partial<Record<Fault, Answer>>
    /** Whether a call shows something to a person. Default: every call does. */
    isVisible?(call: ProviderCall): boolean
    /** Whether a call carries the credentials of this configuration. */
    isFrom(call: ProviderCall, config: Config): boolean
    /** The idempotency key of a call. Absent when the provider takes none. */
    idempotencyKey?(call: ProviderCall): string | undefined
  }
  /** A file that the fake provider gives, as an event names it. Absent for channels without `openMedia`. */
  file?: { ref: Json; body: string }
  /** How each fault has to end; mostly {@link usualOutcomes}. */
  outcomes: Readonly<Record<Fault, Outcome>>
  /** The built entry of the package, to check that an import alone does nothing. */
  entry?: URL
  /** Names of the packages that `load` imports, and that an import of the channel must not. */
  lazy?: readonly string[]
  /** Cases that do not apply, by their name, and the reason. */
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
      events: recording.events.map((event: { at: string }) => ({ ...event, at: new Date(event.at) })),
    }
  })
}
