import { isDeepStrictEqual } from 'node:util'
import type { Id, JsonObject } from '@plugboard/core'
import type { FormerIntegration } from '../ports/client-record.js'

/** What tells which integration it is. */
export interface Identified {
  name: string
  channel: string
  config: JsonObject
  /** The account that only one integration may use, if the channel declares one. */
  account?: string | undefined
}

/**
 * Finds the known integration that each wanted one is. The account decides; without one, the whole configuration does:
 * under another name it is the same integration, renamed. What is left is found by its name: it got another account or
 * configuration. Wanted ones without a known one are new; known ones without a wanted one are removed.
 */
export function matchIntegrations<W extends Identified, K extends Identified>(
  wanted: readonly W[],
  known: readonly K[],
): ReadonlyMap<W, K> {
  const found = new Map<W, K>()
  const left = new Set(known)
  const match = (isSame: (one: W, other: K) => boolean): void => {
    for (const one of wanted) {
      if (found.has(one)) continue
      for (const other of left) {
        if (one.channel !== other.channel || !isSame(one, other)) continue
        found.set(one, other)
        left.delete(other)
        break
      }
    }
  }
  match((one, other) => one.account !== undefined && one.account === other.account)
  // Several may have the same configuration.
  match((one, other) => one.name === other.name && isSameSetup(one, other))
  match(isSameSetup)
  match((one, other) => one.name === other.name)
  return found
}

const isSameSetup = (one: Identified, other: Identified): boolean =>
  one.account === undefined && isDeepStrictEqual(one.config, other.config)

/** Keys that were removed with their integrations, per client. The oldest are forgotten. */
const MAX_FORMER = 100

/**
 * The keys of a client's integrations. The key of a new one is its name, so that adding an integration again finds its
 * conversations. If it had another key, because it was renamed before it was removed, it gets that one. If its name is or
 * was the key of another integration, the key is its id.
 */
export class IntegrationKeys {
  readonly #taken: Set<string>
  #former: FormerIntegration[]

  /** `taken`: keys of the integrations that stay. */
  constructor(taken: Iterable<string>, former: readonly FormerIntegration[]) {
    this.#taken = new Set(taken)
    this.#former = [...former]
  }

  /** To be stored with the client. */
  get former(): FormerIntegration[] {
    return this.#former.slice(-MAX_FORMER)
  }

  /** The key of a new integration. */
  take({ id, name, channel }: { id: Id; name: string; channel: string }): string {
    const before = this.#former.find((each) => each.channel === channel && each.name === name)
    const isReserved = (key: string) => this.#taken.has(key) || this.#former.some((each) => each.key === key)
    const key = before && !this.#taken.has(before.key) ? before.key : isReserved(name) ? id : name
    this.#former = this.#former.filter((each) => each !== before)
    this.#taken.add(key)
    return key
  }

  /** The integration was removed. */
  giveBack({ name, channel, key }: FormerIntegration): void {
    this.#former = this.#former.filter((each) => each.channel !== channel || each.name !== name)
    if (key !== name) this.#former.push({ channel, name, key })
  }
}
