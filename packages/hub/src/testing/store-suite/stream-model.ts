import assert from 'node:assert/strict'
import { newId } from '@plugboard/core'
import type { Dead, Entry } from '../../log/entry.js'
import type { Claimed, LaneState, Lease, Mark } from '../../log/progress.js'
import { type LaneKey, replayLane, type Target, webhookTarget } from '../../log/target.js'
import { present, same } from './assertions.js'
import type { EntryFields, Scene, Talk } from './scene.js'

/** What a mark is to say. */
export interface MarkPlan {
  /** How many numbers further the stream has been looked at, as far as there are. */
  ahead: number
  lane: number
  state: 'fresh' | 'failed' | 'gone'
  next: 'active' | 'later' | 'never'
}

/** A simple account of one stream beside the one in the store, to which the same happens. */
export class StreamModel {
  readonly #scene: Scene
  readonly #talk: Talk
  readonly #targets: readonly Target[] = [1, 2, 3].map(() => webhookTarget(newId()))
  readonly #entries: Entry[]
  #scanned = 0
  readonly #lanes = new Map<LaneKey, LaneState>()
  /** Lanes of replays that came while the stream was held, and that the holder was not told of. */
  readonly #unknown = new Set<LaneKey>()
  #lease: Lease = { fence: 0 }
  #isMine = false
  /** Whether it is due at some time; undefined where a store may find out sooner or later that it is not. */
  #isDue: boolean | undefined = false

  private constructor(scene: Scene, talk: Talk, entries: Entry[]) {
    this.#scene = scene
    this.#talk = talk
    this.#entries = entries
  }

  static async begin(scene: Scene, talk: Talk): Promise<StreamModel> {
    return new StreamModel(scene, talk, await scene.entries(talk))
  }

  async append(how: {
    type: 'message' | 'conversation.started'
    targets: number
    claim: boolean
  }): Promise<void> {
    const owes = this.#targets.filter((_, index) => how.targets & (1 << index))
    const fields: EntryFields = {
      type: how.type,
      claim: how.claim,
      owes,
      payload: JSON.stringify(how.targets),
    }
    const { entry, claimed } = await this.#scene.append(this.#talk, fields)
    same([entry.seq, entry.owes], [this.#tail + 1, owes])
    this.#entries.push(entry)
    if (owes.length > 0 && !this.#isMine) this.#isDue = true
    assert.ok(claimed || !how.claim || this.#isMine || owes.length === 0, 'the lease was to be had')
    if (claimed) this.#take(claimed)
  }

  async mark({ ahead, lane, state, next }: MarkPlan): Promise<void> {
    const scanned = Math.min(this.#tail, this.#scanned + ahead)
    const lanes = this.#changes(lane, state, next)
    const nextAt = { active: 'active' as const, later: this.#scene.after(60), never: null }[next]
    const answer = await this.#scene.store.mark(this.#talk, this.#lease, { scanned, lanes, nextAt })
    same(answer, this.#isMine ? this.#tail : 'lost')
    if (this.#isMine) this.#marked({ scanned, lanes, nextAt })
  }

  /** A holder that has nothing more to do has no lane that it knows of; one that is to come back has one. */
  #changes(
    index: number,
    state: MarkPlan['state'],
    next: MarkPlan['next'],
  ): Record<LaneKey, LaneState | null> {
    if (next === 'never') {
      const known = [...this.#lanes.keys()].filter((key) => !this.#unknown.has(key))
      return Object.fromEntries(known.map((key) => [key, null]))
    }
    const [key] = this.#pick([...this.#targets, ...this.#lanes.keys()], index)
    if (state === 'gone' && next === 'active') return { [key]: null }
    const failed = { attempt: index, part: 1, blockedUntil: this.#scene.after(60), error: `no ${index}` }
    return { [key]: { done: this.#scanned, ...(state === 'failed' && failed) } }
  }

  #marked({ scanned, lanes, nextAt }: Mark): void {
    this.#scanned = scanned
    for (const [key, state] of Object.entries(lanes) as [LaneKey, LaneState | null][]) {
      this.#unknown.delete(key)
      if (state) this.#lanes.set(key, state)
      else this.#lanes.delete(key)
    }
    if (nextAt === 'active' || scanned < this.#tail) return
    this.#isMine = false
    this.#isDue = nextAt !== null || this.#unknown.size > 0
  }

  async remove(which: number | 'all'): Promise<void> {
    const at = this.#scene.tick()
    const candidates = this.#entries.filter(({ type }) => type === 'message')
    const chosen =
      which === 'all' ? candidates : candidates.slice(which % (candidates.length + 1)).slice(0, 1)
    const { clientId, streamId } = this.#talk
    const one = which === 'all' ? 'all' : (chosen[0]?.id ?? newId())
    const alive = chosen.filter(({ deletedAt }) => !deletedAt)
    same(await this.#scene.store.deleteMessages(clientId, streamId, one, at), alive.length)
    for (const entry of alive) entry.deletedAt = at
    if (alive.length > 0) this.#isDue &&= undefined
  }

  async bury(entry: number, target: number): Promise<void> {
    const [chosen] = this.#pick(this.#entries, entry)
    const [to] = this.#pick(this.#targets, target)
    if (chosen.deletedAt || chosen.dead?.[to]) return
    const dead: Dead = {
      reason: 'exhausted',
      attempts: target,
      at: this.#scene.tick(),
      label: 'url',
      error: 'no',
    }
    await this.#scene.store.bury(this.#talk, chosen.seq, to, dead)
    chosen.dead = { ...chosen.dead, [to]: dead }
  }

  async replay(entry: number, dead: number, to: number): Promise<void> {
    const [{ id: entryId, seq, deletedAt, dead: deaths = {} }] = this.#pick(this.#entries, entry)
    if (deletedAt) return
    const [[target], [other]] = [this.#pick(this.#targets, dead), this.#pick(this.#targets, to)]
    const { clientId } = this.#talk
    const now = this.#scene.tick()
    const replayed = await this.#scene.store.replay({ clientId, entryId, target, to: other, now })
    same(replayed !== undefined, deaths[target] !== undefined)
    const death = deaths[target]
    if (replayed && death) this.#replayed(seq, target, replayLane(seq, death.at, other), replayed)
  }

  #replayed(seq: number, target: Target, key: LaneKey, replayed: { key: LaneKey; lane: LaneState }): void {
    same(replayed.key, key)
    const entry = present(this.#entries[seq - 1])
    const { [target]: _, ...left } = entry.dead ?? {}
    if (Object.keys(left).length > 0) entry.dead = left
    else delete entry.dead
    this.#lanes.set(key, replayed.lane)
    if (this.#isMine) this.#unknown.add(key)
    else this.#isDue = true
  }

  /** Takes the lease anew, where it is mine. */
  async reclaim(): Promise<void> {
    const reclaimed = await this.#scene.store.reclaim(this.#talk, this.#lease)
    if (!this.#isMine || reclaimed === 'lost') return same([reclaimed, this.#isMine], ['lost', false])
    same(reclaimed.seq, this.#tail)
    this.#holds(reclaimed.lease)
  }

  /** Takes the stream up if it is due at any time, or when my lease of it has ended. */
  async claim(): Promise<void> {
    if (this.#isMine) this.#isDue = this.#lease.until !== undefined
    const { store, afterLeases } = this.#scene
    const until = this.#lease.until?.getTime() ?? 0
    const now = new Date(Math.max(afterLeases.getTime(), until + 1000))
    const due = await store.claimDue({ now, limit: 10_000, except: [] })
    const claimed = due.claimed.find(({ streamId }) => streamId === this.#talk.streamId)
    if (this.#isDue !== undefined) same(claimed !== undefined, this.#isDue)
    this.#isDue = false
    if (claimed) this.#take(claimed)
  }

  #take({ lease, seq, scanned, lanes }: Claimed): void {
    this.#scannedIs(scanned)
    same([seq, lanes], [this.#tail, Object.fromEntries(this.#lanes)])
    this.#isMine = true
    this.#holds(lease)
    this.#unknown.clear()
  }

  #holds(lease: Lease): void {
    assert.ok(lease.fence > this.#lease.fence, 'the fence did not rise')
    this.#lease = lease
  }

  /** The store may pass entries that are owed nothing by itself. */
  #scannedIs(scanned: number): void {
    assert.ok(
      scanned >= this.#scanned && scanned <= this.#tail,
      `scanned ${scanned}, expected ${this.#scanned}`,
    )
    const passed = this.#entries.slice(this.#scanned, scanned)
    same(
      passed.flatMap(({ owes }) => owes),
      [],
    )
    this.#scanned = scanned
  }

  /** The store says the same. */
  async check(): Promise<void> {
    const { store } = this.#scene
    const { clientId, streamId } = this.#talk
    const { scanned, lanes } = present(await store.findProgress(this.#talk))
    this.#scannedIs(scanned)
    same(lanes, Object.fromEntries(this.#lanes))
    same((await this.#scene.entries(this.#talk)).map(view), this.#entries.map(view))
    const left = this.#entries.filter(({ deletedAt }) => !deletedAt).toReversed()
    const messages = await store.listMessages(clientId, streamId, { limit: 100 })
    same(
      messages,
      left.filter(({ type }) => type === 'message'),
    )
    const dead = (await store.listDead(clientId, { limit: 100 })).filter(
      (entry) => entry.streamId === streamId,
    )
    same(
      dead.filter(({ deletedAt }) => !deletedAt),
      left.filter((entry) => entry.dead).map(({ payload: _, details: __, ...entry }) => entry),
    )
  }

  get #tail(): number {
    return this.#entries.length
  }

  #pick<T>(from: readonly T[], index: number): [T] {
    return [from[index % from.length] as T]
  }
}

/** What is known of an entry; of a tombstone, what it keeps. */
const view = (entry: Entry) => {
  const { id, seq, at, deletedAt, dead = {}, ...rest } = entry
  return deletedAt ? { id, seq, at, deletedAt, payload: '' } : { id, seq, at, dead, ...rest }
}
