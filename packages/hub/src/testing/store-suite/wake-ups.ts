import assert from 'node:assert/strict'
import { type Id, newId } from '@plugboard/core'
import fc from 'fast-check'
import type { Claimed, Lease } from '../../log/progress.js'
import { type Target, webhookTarget } from '../../log/target.js'
import { SLOW_RUNS } from '../random-runs.js'
import { present } from './assertions.js'
import type { Cases, Scene, Talk } from './scene.js'

/** What a holder knows. */
interface Held {
  lease: Lease
  /** How far it has looked at the entries. */
  scanned: number
}

/** Dead deliveries of each stream, each for one replay. */
const REPLAYS = 3

/**
 * A stream that always owes something: one of its lanes waits for an hour. Operations may run at once, so it knows only
 * what must be true in whatever order they took effect.
 */
class Sleeper {
  readonly talk: Talk
  held: Held | undefined
  readonly #scene: Scene
  readonly #entryId: Id
  readonly #dead: Target[]
  /** Woken since it was taken last. */
  #isWoken = false
  #wasWoken = false
  #wasTaken = false
  /** The newest owed entry. */
  #owed = 0
  /** How far a holder that gave it back had looked. */
  #scanned = 0

  private constructor(scene: Scene, talk: Talk, entryId: Id, dead: Target[]) {
    this.#scene = scene
    this.talk = talk
    this.#entryId = entryId
    this.#dead = dead
  }

  static async begin(scene: Scene, clientId: Id): Promise<Sleeper> {
    const talk = await scene.talk(clientId)
    const dead = Array.from({ length: REPLAYS }, () => webhookTarget(newId()))
    const { entry, claimed } = await scene.claimAtAppend(talk, webhookTarget(newId()))
    const grave = { reason: 'exhausted', attempts: 1, at: scene.tick(), label: 'url' } as const
    for (const target of dead) await scene.store.bury(talk, entry.seq, target, grave)
    const sleeper = new Sleeper(scene, talk, entry.id, dead)
    sleeper.taken(claimed)
    await sleeper.giveBack()
    return sleeper
  }

  taken({ lease, seq }: Claimed): void {
    this.held = { lease, scanned: seq }
    this.#wasTaken = true
  }

  woken(): void {
    this.#wasWoken = true
  }

  async append(claim: boolean): Promise<void> {
    const owes = [webhookTarget(newId())]
    const { entry, claimed } = await this.#scene.append(this.talk, { owes, claim })
    this.#owed = Math.max(this.#owed, entry.seq)
    if (claimed) this.taken(claimed)
  }

  async replay(): Promise<void> {
    const target = this.#dead.pop()
    if (!target) return
    const { clientId } = this.talk
    const { store } = this.#scene
    const replay = { clientId, entryId: this.#entryId, target, to: target, now: this.#scene.tick() }
    present(await store.replay(replay))
    this.woken()
  }

  async keep(): Promise<void> {
    const { held } = this
    if (!held) return
    const { scanned } = held
    const seq = await this.#scene.store.mark(this.talk, held.lease, { scanned, lanes: {}, nextAt: 'active' })
    if (seq !== 'lost') held.scanned = Math.max(held.scanned, seq)
  }

  /** Keeps it as long as there are entries that the holder has not looked at. */
  async giveBack(): Promise<void> {
    const { held } = this
    if (!held) return
    const { scanned } = held
    const blockedUntil = this.#scene.after(3600)
    const lanes = { [webhookTarget(newId())]: { done: 1, blockedUntil } }
    const seq = await this.#scene.store.mark(this.talk, held.lease, { scanned, lanes, nextAt: blockedUntil })
    if (seq === 'lost') return
    if (seq > scanned) held.scanned = Math.max(held.scanned, seq)
    else this.#rests(held, scanned)
  }

  #rests(held: Held, scanned: number): void {
    this.#scanned = Math.max(this.#scanned, scanned)
    if (this.held === held) this.held = undefined
  }

  /** All that was begun has ended. What woke it while it was taken may have come before: then the holder knows. */
  settle(): void {
    if (this.#wasTaken) this.#isWoken = false
    else if (this.#wasWoken) this.#isWoken = true
    this.#wasTaken = false
    this.#wasWoken = false
  }

  get mustBeDue(): boolean {
    return this.#isWoken || this.#owed > this.#scanned
  }
}

type Act = 'append' | 'claimingAppend' | 'keep' | 'giveBack' | 'replay' | 'wakeClient'
type Step = { which: number; act: Act }[] | 'claim'

const act = fc.constantFrom<Act[]>('append', 'claimingAppend', 'keep', 'giveBack', 'replay', 'wakeClient')
const together = fc.array(fc.record({ which: fc.nat(2), act }), { minLength: 1, maxLength: 8 })
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof({ weight: 3, arbitrary: together }, { weight: 1, arbitrary: fc.constant('claim' as const) }),
  { minLength: 1, maxLength: 6 },
)

/** What one write changed another pushes out of a cache of one stream, before it is woken and given back. */
const OUT_OF_CACHE: Step[] = [
  [{ which: 0, act: 'claimingAppend' }],
  [
    { which: 0, act: 'keep' },
    { which: 1, act: 'append' },
    { which: 0, act: 'wakeClient' },
    { which: 0, act: 'giveBack' },
  ],
]

async function begin(scene: Scene, sleepers: readonly Sleeper[], step: Exclude<Step, 'claim'>[number]) {
  const sleeper = present(sleepers[step.which])
  switch (step.act) {
    case 'append':
      return sleeper.append(false)
    case 'claimingAppend':
      return sleeper.append(true)
    case 'wakeClient':
      for (const each of sleepers) each.woken()
      return scene.store.wakeClient(sleeper.talk.clientId, scene.tick())
    default:
      return sleeper[step.act]()
  }
}

async function claim(scene: Scene, sleepers: readonly Sleeper[]): Promise<void> {
  for (const claimed of await scene.claimDue(scene.tick()))
    sleepers.find(({ talk }) => talk.streamId === claimed.streamId)?.taken(claimed)
}

/** What becomes due while somebody holds it. */
export const wakeUpCases: Cases = {
  'whatever happens to streams at once, what woke one is known to its holder or makes it due': async (
    scene,
  ) => {
    const plays = async (sequence: Step[]) => {
      const { id: clientId } = await scene.client()
      const sleepers: Sleeper[] = []
      for (let count = 0; count < 3; count += 1) sleepers.push(await Sleeper.begin(scene, clientId))
      for (const sleeper of sleepers) sleeper.settle()
      for (const step of sequence) {
        if (step === 'claim') await claim(scene, sleepers)
        else await Promise.all(step.map((each) => begin(scene, sleepers, each)))
        for (const sleeper of sleepers) sleeper.settle()
      }
      for (const sleeper of sleepers) while (sleeper.held) await sleeper.giveBack()
      const due = await scene.dueStreams(scene.tick())
      for (const { mustBeDue, talk } of sleepers)
        assert.ok(!mustBeDue || due.includes(talk.streamId), `stream ${talk.streamId} sleeps on`)
    }
    await fc.assert(fc.asyncProperty(steps, plays), { numRuns: SLOW_RUNS, examples: [[OUT_OF_CACHE]] })
  },
}
