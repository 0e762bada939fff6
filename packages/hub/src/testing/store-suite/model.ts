import fc from 'fast-check'
import { SLOW_RUNS } from '../random-runs.js'
import type { Cases } from './scene.js'
import { StreamModel } from './stream-model.js'

/** One thing that happens to the stream; numbers choose among what is there. */
type Step = (model: StreamModel) => Promise<void>

const choice = fc.nat(1000)

/** Shown by name when a sequence fails. */
const step = (name: string, run: Step) => Object.assign(run, { [fc.toStringMethod]: () => name })

const append = fc
  .record({
    type: fc.constantFrom('message', 'conversation.started'),
    targets: fc.nat(7),
    claim: fc.boolean(),
  } as const)
  .map((how) => step(`append ${JSON.stringify(how)}`, (model) => model.append(how)))

const mark = fc
  .record({
    ahead: fc.nat(4),
    lane: choice,
    state: fc.constantFrom('fresh', 'failed', 'gone'),
    next: nexts(),
  } as const)
  .map((how) => step(`mark ${JSON.stringify(how)}`, (model) => model.mark(how)))

const remove = fc
  .oneof({ weight: 4, arbitrary: choice }, fc.constant('all' as const))
  .map((which) => step(`delete ${which}`, (model) => model.remove(which)))

const bury = fc
  .tuple(choice, choice)
  .map(([entry, target]) => step(`bury ${entry} ${target}`, (model) => model.bury(entry, target)))

const replay = fc
  .tuple(choice, choice, choice)
  .map(([entry, dead, to]) => step(`replay ${entry} ${dead} ${to}`, (model) => model.replay(entry, dead, to)))

const reclaim = fc.constant(step('reclaim', (model) => model.reclaim()))

const claim = fc.constant(step('claim', (model) => model.claim()))

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: append },
    { weight: 4, arbitrary: mark },
    { weight: 1, arbitrary: remove },
    { weight: 3, arbitrary: bury },
    { weight: 3, arbitrary: replay },
    { weight: 2, arbitrary: claim },
    { weight: 1, arbitrary: reclaim },
  ),
  { minLength: 1, maxLength: 25 },
)

function nexts(): fc.Arbitrary<'active' | 'later' | 'never'> {
  return fc.constantFrom('active', 'later', 'never')
}

/** One stream, against a simple account of what it should be. */
export const modelCases: Cases = {
  'whatever happens to a stream, its entries, its messages, its dead deliveries and its progress are as told':
    async (scene) => {
      const { id: clientId } = await scene.client()
      const user = await scene.user(clientId)
      const plays = async (sequence: Step[]) => {
        const model = await StreamModel.begin(scene, await scene.conversation(user))
        for (const each of sequence) {
          await each(model)
          await model.check()
        }
      }
      await fc.assert(fc.asyncProperty(steps, plays), { numRuns: SLOW_RUNS })
    },
}
