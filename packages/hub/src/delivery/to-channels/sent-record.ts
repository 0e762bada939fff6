import { createHash } from 'node:crypto'
import { type Id, isStorable, type Part, type Sent } from '@plugboard/core'
import { pause } from '../../channels/call-timeout.js'
import type { Entry, SentMessagePart } from '../../log/entry.js'
import { endpointTarget, type Target } from '../../log/target.js'
import type { Store } from '../../ports/store.js'

/** The part of the store that records need. */
export type RecordStore = Pick<Store, 'findEntry' | 'recordSent'>

/** Maximum ids of one part, and the length of each in UTF-16 units. Providers give one, or ten for an album. */
const MAX_IDS = 16
const MAX_ID = 256
/** Maximum length of all ids of a message. Further parts are recorded without. */
const MAX_TOTAL = 64 * 1024
/** Bytes of a digest: enough that no two parts of a message have the same one by chance. */
const DIGEST_BYTES = 12
/** Delay before a record is written again after the store failed. One retry a second is little load. */
const STORE_RETRY_MS = 1000

/** What an endpoint shows of one message. Each change of it is on disk before anything is reported. */
export class SentRecord {
  readonly message: Entry
  readonly #store: RecordStore
  readonly #target: Target
  #parts: readonly SentMessagePart[]
  #isWhole: boolean

  private constructor(store: RecordStore, message: Entry, target: Target) {
    this.message = message
    this.#store = store
    this.#target = target
    const { parts = [], isWhole = false } = message.sent?.[target] ?? {}
    this.#parts = parts
    this.#isWhole = isWhole
  }

  /** Reads the message as it is now. Undefined if it does not exist any more. */
  static async open(
    store: RecordStore,
    clientId: Id,
    messageId: Id,
    endpointId: Id,
  ): Promise<SentRecord | undefined> {
    const message = await store.findEntry(clientId, messageId)
    return message && new SentRecord(store, message, endpointTarget(endpointId))
  }

  get parts(): readonly SentMessagePart[] {
    return this.#parts
  }

  /** All parts were sent: others may follow when the message is edited. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /** Whether the part shows this already. */
  isCurrent(index: number, part: Part): boolean {
    return this.#parts[index]?.digest === digestOf(part)
  }

  /** Parts were sent or changed, from this index on. `signal` ends the attempts to store it. */
  async put(
    start: number,
    parts: readonly Part[],
    sent: readonly Sent[],
    signal: AbortSignal,
    total?: number,
  ): Promise<void> {
    const next = [...this.#parts]
    // Sent by a version that kept no ids.
    while (next.length < start) next.push({ ids: [], digest: '' })
    for (const [i, part] of parts.entries()) next[start + i] = { ids: idsOf(sent[i]), digest: digestOf(part) }
    await this.#save(next, this.#isWhole || next.length === total, signal)
  }

  /** Parts from this index on were removed. */
  cut(length: number, signal: AbortSignal): Promise<void> {
    return this.#save(this.#parts.slice(0, length), this.#isWhole, signal)
  }

  async #save(parts: readonly SentMessagePart[], isWhole: boolean, signal: AbortSignal): Promise<void> {
    this.#parts = bounded(parts)
    this.#isWhole = isWhole
    const sent = { parts: this.#parts, ...(isWhole && { isWhole: true as const }) }
    for (;;) {
      try {
        return await this.#store.recordSent(this.message, this.message.seq, this.#target, sent)
      } catch (error) {
        // What was sent would be sent again without its record.
        if (!(await pause(STORE_RETRY_MS, signal))) throw error
      }
    }
  }
}

const digestOf = (part: Part): string =>
  createHash('sha256')
    .update(JSON.stringify([part.call, part.args]))
    .digest()
    .toString('base64url', 0, DIGEST_BYTES)

/** The ids of a part, which a channel may have built without types. None if they are too many or too long. */
function idsOf(sent: Sent | undefined): readonly string[] {
  const ids: unknown = sent?.providerMessageIds
  if (!Array.isArray(ids) || ids.length > MAX_IDS) return []
  const isId = (id: unknown) => typeof id === 'string' && id !== '' && id.length <= MAX_ID && isStorable(id)
  return ids.every(isId) ? ids : []
}

function bounded(parts: readonly SentMessagePart[]): readonly SentMessagePart[] {
  let total = 0
  return parts.map((part) => {
    total += part.ids.join('').length
    return total > MAX_TOTAL ? { ids: [], digest: part.digest } : part
  })
}

/** Gives turns: work with the same key is done one after another. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>()

  /** Resolves with a function that ends the turn. */
  async take(key: string): Promise<() => void> {
    const before = this.#last.get(key)
    let end = (): void => undefined
    const turn = new Promise<void>((resolve) => {
      end = resolve
    })
    const last = (before ?? Promise.resolve()).then(() => turn)
    this.#last.set(key, last)
    void last.then(() => {
      if (this.#last.get(key) === last) this.#last.delete(key)
    })
    await before
    return end
  }
}
