import type { WebhookAddress } from '@plugboard/hub'
import { type buildConnector, Pool } from 'undici'
import { type Allowance, refusal, TargetForbiddenError } from './guard.js'
import { secretsIn } from './response-excerpt.js'

/** What is computed once per target, not once per request. */
export interface Route {
  readonly path: string
  /** Name, value, name, value …; names in lower case, each once. */
  readonly headers: readonly string[]
  readonly signingKey: Buffer | undefined
  /** Another key, which signs too until then, in milliseconds of the epoch. */
  readonly former?: { key: Buffer; until: number } | undefined
  /** What grants access, in its headers and in its URL. */
  readonly secrets: readonly string[]
  readonly pool: Pool
}

interface Entry extends Route {
  target: WebhookAddress
  usedAt: number
}

export interface TargetRoutesOptions {
  allowance: Allowance
  connect: buildConnector.connector
  /** Targets that keep their connections; beyond that, the longest unused one is closed. */
  maxPools: number
  /** A pool that is unused for this time is closed. */
  idleMs: number
}

/** Headers of the connection and of the signature, which a target cannot set. */
const RESERVED_HEADER =
  /^(host|connection|keep-alive|content-length|transfer-encoding|upgrade|expect|te|trailer|proxy-.*|webhook-(id|timestamp|signature))$/

/** Identifies what has a limit and connections of its own. A URL contains no space. */
export const targetKey = ({ id, url }: WebhookAddress): string => `${url} ${id}`

/** Connection pools by target and URL, so that tenants who share a host share nothing else. */
export class TargetRoutes {
  readonly #options: TargetRoutesOptions
  /** Longest unused first. */
  readonly #entries = new Map<string, Entry>()
  /** The last of them. */
  #latest: Entry | undefined

  constructor(options: TargetRoutesOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  /** @throws TargetForbiddenError for a URL that must not be called */
  get(target: WebhookAddress, now: number): Route {
    if (this.#latest?.target !== target) this.#latest = this.#find(target)
    this.#latest.usedAt = now
    return this.#latest
  }

  /** Moves it to the end. */
  #find(target: WebhookAddress): Entry {
    const key = targetKey(target)
    const known = this.#entries.get(key)
    const entry =
      known !== undefined && isSame(known.target, target) ? known : this.#create(target, known?.pool)
    entry.target = target
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > this.#options.maxPools) this.#closeOldest()
    return entry
  }

  closeIdle(now: number): void {
    for (const [key, entry] of this.#entries) {
      if (now - entry.usedAt < this.#options.idleMs) return
      this.#close(key, entry)
    }
  }

  #create(target: WebhookAddress, pool: Pool | undefined): Entry {
    const reason = refusal(target.url, this.#options.allowance)
    if (reason !== undefined) throw new TargetForbiddenError(reason)
    const url = new URL(target.url)
    const path = url.pathname + url.search
    return {
      ...{ target, path, secrets: secretsIn(path, Object.values(target.headers)) },
      headers: commonHeaders(target),
      signingKey: signingKey(target.signingSecret),
      former: target.former && { key: keyOf(target.former.secret), until: target.former.until },
      pool: pool ?? this.#createPool(url.origin),
      usedAt: 0,
    }
  }

  #createPool(origin: string): Pool {
    // One timeout covers the whole attempt, so undici's own two are off.
    return new Pool(origin, {
      connect: this.#options.connect,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  #closeOldest(): void {
    const [oldest] = this.#entries
    if (oldest !== undefined) this.#close(...oldest)
  }

  /** Requests under way complete. */
  #close(key: string, entry: Entry): void {
    this.#entries.delete(key)
    if (entry === this.#latest) this.#latest = undefined
    void entry.pool.close()
  }
}

/** Adds headers in lower case, so that a later one replaces an earlier one; drops reserved ones. */
function addHeaders(into: Map<string, string>, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase()
    if (!RESERVED_HEADER.test(key)) into.set(key, value)
  }
}

function commonHeaders(target: WebhookAddress): string[] {
  const headers = new Map([
    ['content-type', 'application/json'],
    ['user-agent', 'Plugboard'],
  ])
  addHeaders(headers, target.headers)
  return [...headers].flat()
}

/** Standard Webhooks shows secrets to people with this prefix. */
const keyOf = (secret: string): Buffer => Buffer.from(secret.replace(/^whsec_/, ''), 'base64')

const signingKey = (secret: string | undefined): Buffer | undefined =>
  secret === undefined ? undefined : keyOf(secret)

function isSame(a: WebhookAddress, b: WebhookAddress): boolean {
  if (a.url !== b.url || a.signingSecret !== b.signingSecret) return false
  if (a.former?.secret !== b.former?.secret || a.former?.until !== b.former?.until) return false
  const names = Object.keys(a.headers)
  return (
    names.length === Object.keys(b.headers).length &&
    names.every((name) => a.headers[name] === b.headers[name])
  )
}
