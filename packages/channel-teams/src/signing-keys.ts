import { PlugboardError } from '@plugboard/core'
import { type CryptoKey, importJWK } from 'jose'
import { z } from 'zod'
import { answerOf } from './answer.js'

/** A key with which Microsoft signs requests. */
export interface SigningKey {
  key: CryptoKey
  /** Channels whose requests may be signed with it: `msteams`. */
  endorsements: readonly string[]
}

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** How long keys are used before they are fetched again: Microsoft asks for once a day. */
const MAX_AGE_MS = DAY_MS
/** How long they are used while they cannot be fetched: as Microsoft's own SDK keeps them. */
const MAX_STALE_MS = 5 * DAY_MS
/** An unknown key makes them be fetched this often at most, whoever names unknown keys. */
const MIN_PAUSE_MS = MINUTE_MS
/** The same as long as none are known, when every request of Microsoft waits for them. */
const FIRST_PAUSE_MS = 2000
const TIMEOUT_MS = 10_000

/** https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication#openid-metadata-document */
const metadataSchema = z.object({ jwks_uri: z.url({ protocol: /^https?$/ }) })
const keySchema = z.object({
  kty: z.literal('RSA'),
  kid: z.string().min(1),
  n: z.string(),
  e: z.string(),
  endorsements: z.array(z.string()).catch([]).default([]),
})
const keysSchema = z.object({ keys: z.array(z.unknown()).max(200) })

type Jwk = z.infer<typeof keySchema>

/** The keys with which Microsoft signs requests, fetched when they are needed and kept for a day. */
export class SigningKeys {
  readonly #openIdUrl: string
  readonly #fetch: typeof globalThis.fetch
  readonly #now: () => number
  #keys: ReadonlyMap<string, Jwk> = new Map()
  #fetchedAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | undefined

  constructor(openIdUrl: string, fetch: typeof globalThis.fetch, now: () => number = Date.now) {
    this.#openIdUrl = openIdUrl
    this.#fetch = fetch
    this.#now = now
  }

  /**
   * The key with this id; undefined if Microsoft has none.
   * @throws PlugboardError UNAVAILABLE if the keys cannot be fetched, and none are known that are new enough
   */
  async find(kid: string): Promise<SigningKey | undefined> {
    const age = this.#now() - this.#fetchedAt
    const isDue = age > MAX_AGE_MS || !this.#keys.has(kid)
    const pause = this.#keys.size === 0 ? FIRST_PAUSE_MS : MIN_PAUSE_MS
    if (isDue && (this.#fetching || this.#now() - this.#triedAt > pause)) await this.#refresh()
    if (this.#now() - this.#fetchedAt > MAX_STALE_MS)
      throw new PlugboardError(
        'UNAVAILABLE',
        'the keys with which Microsoft signs requests cannot be fetched',
      )
    const jwk = this.#keys.get(kid)
    if (!jwk) return undefined
    const key = await importJWK({ kty: jwk.kty, n: jwk.n, e: jwk.e }, 'RS256')
    return key instanceof Uint8Array ? undefined : { key, endorsements: jwk.endorsements }
  }

  async #refresh(): Promise<void> {
    this.#triedAt = this.#now()
    this.#fetching ??= this.#fetchAll().finally(() => {
      this.#fetching = undefined
    })
    await this.#fetching
  }

  /** Leaves what is known if there is no answer, or another than the documented one. */
  async #fetchAll(): Promise<void> {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const metadata = metadataSchema.safeParse(await this.#read(this.#openIdUrl, signal))
    if (!metadata.success || !this.#isTrusted(metadata.data.jwks_uri)) return
    const found = keysSchema.safeParse(await this.#read(metadata.data.jwks_uri, signal))
    // A key of another kind is left out.
    const keys = (found.data?.keys ?? []).flatMap((key) => keySchema.safeParse(key).data ?? [])
    if (keys.length === 0) return
    this.#keys = new Map(keys.map((key) => [key.kid, key]))
    this.#fetchedAt = this.#now()
  }

  /** By https, or where the operator's own document is. */
  #isTrusted(url: string): boolean {
    const { protocol, origin } = new URL(url)
    return protocol === 'https:' || origin === new URL(this.#openIdUrl).origin
  }

  async #read(url: string, signal: AbortSignal): Promise<unknown> {
    try {
      const response = await this.#fetch(url, { redirect: 'manual', signal })
      const answer = await answerOf(response)
      return response.ok ? answer : undefined
    } catch {
      return undefined
    }
  }
}
