import type { Id } from '@plugboard/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Process, PullStage, textOf } from '../../test/support/pull-stage.js'
import { SLOW_RUNS } from '../testing/random-runs.js'
import type { PulledEvent } from './readers.js'

/**
 * Readers, processes and a client that posts, with everything that can come between them: readers that die, acknowledge
 * late, twice or in part, give events back, or lose the answer; processes that die; time that passes. In the end each
 * conversation was read as it was posted.
 */
class World {
  readonly #stage: PullStage
  readonly #talks: Id[] = []
  readonly #processes: Process[]
  readonly #hands: PulledEvent[][] = [[], [], []]
  /** What was posted, and what readers saw for the first time, by conversation. */
  readonly #posted = new Map<Id, string[]>()
  readonly #read = new Map<Id, string[]>()
  readonly #acknowledged = new Set<string>()
  #texts = 0

  private constructor(stage: PullStage) {
    this.#stage = stage
    this.#processes = [stage.process(), stage.process()]
  }

  static async begin(): Promise<World> {
    const stage = await PullStage.open('default')
    const world = new World(stage)
    for (let count = 0; count < 3; count += 1) {
      const talk = await stage.conversation()
      world.#talks.push(talk)
      world.#posted.set(talk, ['conversation.new'])
      world.#read.set(talk, [])
    }
    return world
  }

  #one<T>(items: readonly T[], pick: number): T {
    return items[pick % items.length] as T
  }

  async act({ kind, pick, part }: Act): Promise<void> {
    const process = this.#one(this.#processes, pick)
    const { hub } = process
    const hand = this.#one(this.#hands, pick >> 2)
    switch (kind) {
      case 'post': {
        const talk = this.#one(this.#talks, pick >> 1)
        this.#texts += 1
        const text = `${this.#texts}`
        await this.#stage.post(talk, text, hub)
        this.#posted.get(talk)?.push(text)
        return
      }
      case 'take':
        return this.#take(process, hand, part)
      case 'acknowledge':
        return this.#acknowledge(process, hand.splice(0, part))
      case 'acknowledge twice':
        return this.#acknowledge(process, hand.slice(0, part))
      case 'forget':
        hand.length = 0
        return
      case 'give back': {
        const positions = hand.splice(0).map(({ position }) => position)
        await hub.pull.release(await this.#stage.client(hub), positions, (pick % 3) * 1000)
        return
      }
      case 'extend': {
        const positions = hand.map(({ position }) => position)
        await hub.pull.extend(await this.#stage.client(hub), positions, 20_000)
        return
      }
      case 'pass':
        return this.#stage.pass(part * 7)
      case 'kill':
        await process.kill()
        this.#processes[this.#processes.indexOf(process)] = this.#stage.process()
        return
      case 'turn':
        return new Promise((resolve) => setImmediate(resolve))
    }
  }

  async #take({ hub }: Process, hand: PulledEvent[], limit: number): Promise<void> {
    const events = await this.#stage.take({ hub, limit, leaseMs: 15_000 })
    for (const event of events) {
      const { conversationId, id } = event
      // Events of users have no conversation.
      if (!conversationId) continue
      expect(this.#acknowledged, 'what was acknowledged came again').not.toContain(id)
      const read = this.#read.get(conversationId) ?? []
      const text = textOf(event)
      if (!read.includes(text)) read.push(text)
      expect(read, 'out of order').toEqual(this.#posted.get(conversationId)?.slice(0, read.length))
    }
    hand.push(...events)
  }

  async #acknowledge({ hub }: Process, events: readonly PulledEvent[]): Promise<void> {
    const positions = events.map(({ position }) => position)
    const refused = await hub.pull.acknowledge(await this.#stage.client(hub), positions)
    expect(refused).toEqual([])
    for (const { id } of events) this.#acknowledged.add(id)
  }

  /** Readers that do what they should, until there is nothing left. */
  async end(): Promise<void> {
    const [process] = this.#processes
    if (!process) return
    const isComplete = () =>
      [...this.#posted].every(([talk, posted]) => this.#read.get(talk)?.length === posted.length)
    for (let round = 0; round < 500 && !isComplete(); round += 1) {
      this.#stage.pass(16)
      const hand: PulledEvent[] = []
      await this.#take(process, hand, 100)
      await this.#acknowledge(process, hand)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    for (const [talk, posted] of this.#posted) expect(this.#read.get(talk)).toEqual(posted)
    expect(
      await process.hub.deliveries.listDead(await this.#stage.client(process.hub), { limit: 9 }),
    ).toEqual([])
    await this.#stage.stop()
  }
}

const act = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant('post' as const) },
    { weight: 6, arbitrary: fc.constant('take' as const) },
    { weight: 4, arbitrary: fc.constant('acknowledge' as const) },
    {
      weight: 6,
      arbitrary: fc.constantFrom<
        ('acknowledge twice' | 'forget' | 'give back' | 'extend' | 'pass' | 'turn')[]
      >(...(['acknowledge twice', 'forget', 'give back', 'extend', 'pass', 'turn'] as const)),
    },
    { weight: 1, arbitrary: fc.constant('kill' as const) },
  ),
  pick: fc.nat(1000),
  part: fc.integer({ min: 1, max: 5 }),
})

type Act = typeof act extends fc.Arbitrary<infer T> ? T : never

test('whatever happens to readers and processes, each conversation is read as it was posted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 20, maxLength: 60 }), async (acts) => {
      const world = await World.begin()
      for (const each of acts) await world.act(each)
      await world.end()
    }),
    { numRuns: SLOW_RUNS },
  )
}, 300_000)
