import { type Id, newId } from '@plugboard/core'
import { type AttemptRecord, KEPT_ATTEMPTS, PROMPT_MS } from '../../log/attempt.js'
import type { StreamRef } from '../../log/entry.js'
import { endpointTarget, type Target, webhookTarget } from '../../log/target.js'
import { atOnce, same } from './assertions.js'
import type { Cases, Scene } from './scene.js'

/** Entries with numbers up to twelve, accepted now. */
const upTo12 = (scene: Scene) => Array.from({ length: 12 }, (_, index) => ({ seq: index + 1, at: scene.now }))

const success = (scene: Scene, seq: number, target: Target): AttemptRecord => ({
  ...{ seq, target, at: scene.tick(), durationMs: 12, outcome: 'delivered', status: 204 },
})

const failure = (scene: Scene, seq: number, target: Target): AttemptRecord => ({
  ...{ seq, target, at: scene.tick(), durationMs: 0, outcome: 'transient', status: 503 },
  ...{ error: 'answered 503', response: '<h1>"Busy"</h1>\n' },
})

/** An attempt of a delivery that is prompt, for an entry that was accepted then. */
const prompt = (
  seq: number,
  target: Target,
  accepted: Date,
  afterMs = 3,
): AttemptRecord & { isPrompt: true } => ({
  ...{ seq, target, at: new Date(accepted.getTime() + afterMs), durationMs: PROMPT_MS - afterMs },
  ...{ outcome: 'delivered', isPrompt: true },
})

const record = ({ store }: Scene, { clientId, streamId }: StreamRef, attempts: readonly AttemptRecord[]) =>
  store.recordAttempts(attempts.map((attempt) => ({ ...attempt, clientId, streamId })))

/** The history of attempts at deliveries. */
export const attemptCases: Cases = {
  'attempts are listed by entry and time, with all that is known of them': async (scene) => {
    const [talk, webhook, endpoint] = [await scene.talk(), webhookTarget(newId()), endpointTarget(newId())]
    const first = failure(scene, 2, webhook)
    const refused: AttemptRecord = {
      ...{ seq: 2, target: endpoint, at: scene.tick(), durationMs: 3, outcome: 'auth' },
      ...{ error: 'the token is wrong', code: '190' },
    }
    const second = success(scene, 2, webhook)
    const later = success(scene, 11, webhook)
    await record(scene, talk, [later, second])
    await record(scene, talk, [])
    await record(scene, talk, [first, refused])
    same(await scene.store.listAttempts(talk, upTo12(scene)), [first, refused, second, later])
    const of = (...seqs: number[]) =>
      scene.store.listAttempts(
        talk,
        upTo12(scene).filter(({ seq }) => seqs.includes(seq)),
      )
    same([await of(3, 11), await of(3, 10), await of()], [[later], [], []])
  },

  'what is recorded twice is there once, alone and among others': async (scene) => {
    const [talk, target] = [await scene.talk(), webhookTarget(newId())]
    const [one, two] = [failure(scene, 2, target), success(scene, 2, target)]
    await atOnce(4, () => record(scene, talk, [one]))
    await record(scene, talk, [one, two])
    same(await scene.store.listAttempts(talk, upTo12(scene)), [one, two])
  },

  'of each delivery the newest are kept': async (scene) => {
    const [talk, target, other] = [await scene.talk(), webhookTarget(newId()), webhookTarget(newId())]
    const alone = failure(scene, 2, other)
    await record(scene, talk, [alone])
    const failures = Array.from({ length: 2 * KEPT_ATTEMPTS }, () => failure(scene, 2, target))
    for (let index = 0; index < failures.length; index += 4)
      await record(scene, talk, failures.slice(index, index + 4))
    same(await scene.store.listAttempts(talk, upTo12(scene)), [alone, ...failures.slice(-KEPT_ATTEMPTS)])
    const end = success(scene, 2, target)
    await record(scene, talk, [end])
    const kept = [...failures.slice(1 - KEPT_ATTEMPTS), end]
    same(await scene.store.listAttempts(talk, upTo12(scene)), [alone, ...kept])
  },

  'the attempts that were recorded first are removed by their age, in slices': async (scene) => {
    const [talk, target] = [await scene.talk(), webhookTarget(newId())]
    const attempts = [1, 2, 3, 4].map((seq) => success(scene, seq, target))
    await record(scene, talk, attempts)
    const before = attempts[3]?.at ?? new Date(0)
    same(await scene.store.purgeAttempts(attempts[0]?.at ?? new Date(0), 9), 0)
    same(await scene.store.purgeAttempts(before, 2), 2)
    same(await scene.store.listAttempts(talk, upTo12(scene)), attempts.slice(2))
    same([await scene.store.purgeAttempts(before, 2), await scene.store.purgeAttempts(before, 2)], [1, 0])
    same(await scene.store.listAttempts(talk, upTo12(scene)), attempts.slice(3))
  },

  'prompt attempts are found with their entries, whenever these were accepted, among those of others': async (
    scene,
  ) => {
    const [talk, other, target] = [await scene.talk(), await scene.talk(), webhookTarget(newId())]
    const accepted = [0, 1, 999, 1000, 60_000].map((ms) => new Date(scene.now.getTime() + ms))
    const entries = accepted.map((at, index) => ({ seq: index + 1, at }))
    const made = entries.map(({ seq, at }, index) => prompt(seq, target, at, index))
    await record(scene, talk, made.slice(2))
    await record(scene, other, made.slice(0, 1))
    await record(scene, talk, [...made.slice(0, 3), failure(scene, 2, target)])
    const shown = made.map(({ isPrompt: _, ...attempt }) => attempt)
    const found = await scene.store.listAttempts(talk, entries)
    same(
      found.filter(({ outcome }) => outcome === 'delivered'),
      shown,
    )
    same(found.length, shown.length + 1)
    same(await scene.store.listAttempts(talk, entries.slice(3, 4)), shown.slice(3, 4))
    same(await scene.store.listAttempts(other, entries), shown.slice(0, 1))
    const later = new Date(scene.now.getTime() + 3_600_000)
    while ((await scene.store.purgeAttempts(later, 2)) > 0);
    same(await scene.store.listAttempts(talk, entries), [])
  },

  'attempts go with their conversation and with their client, and no others do': async (scene) => {
    const target = webhookTarget(newId())
    const [gone, stays] = [await scene.talk(), await scene.talk()]
    const kept = [success(scene, 1, target)]
    await record(scene, stays, kept)
    await record(scene, gone, [success(scene, 1, target), failure(scene, 2, target)])
    await scene.store.deleteConversation(gone.clientId, gone.streamId, scene.event('conversation.deleted'))
    while ((await scene.store.purgeDeleted(2)) > 0);
    same(await scene.store.listAttempts(gone, upTo12(scene)), [])
    const other = await scene.talk(gone.clientId)
    await record(scene, other, kept)
    while (!(await scene.store.purgeClient(gone.clientId, 2)));
    same(await scene.store.listAttempts(other, upTo12(scene)), [])
    same(await scene.store.listAttempts(stays, upTo12(scene)), kept)
  },

  'clients have none of each other': async (scene) => {
    const [mine, yours, target] = [await scene.talk(), await scene.talk(), webhookTarget(newId())]
    await record(scene, mine, [success(scene, 1, target)])
    const asOther = (clientId: Id) =>
      scene.store.listAttempts({ clientId, streamId: mine.streamId }, upTo12(scene))
    same([await asOther(yours.clientId), await asOther(newId())], [[], []])
  },

  'a stream tells when it is due, and until when somebody has it': async (scene) => {
    const [talk, target] = [await scene.talk(), webhookTarget(newId())]
    same(await scene.store.findSchedule({ ...talk, streamId: newId() }), undefined)
    same(await scene.store.findSchedule({ ...talk, clientId: newId() }), undefined)
    same(await scene.store.findSchedule(talk), {})
    const { claimed } = await scene.claimAtAppend(talk, target)
    const held = await scene.store.findSchedule(talk)
    same(
      [held?.dueAt, (held?.leasedUntil ?? new Date(0)) >= (claimed.lease.until ?? new Date())],
      [undefined, true],
    )
    const nextAt = scene.after(60)
    const lanes = { [target]: { done: 1, attempt: 1, blockedUntil: nextAt } }
    await scene.store.mark(talk, claimed.lease, { scanned: 2, lanes, nextAt })
    same(await scene.store.findSchedule(talk), { dueAt: nextAt })
  },
}
