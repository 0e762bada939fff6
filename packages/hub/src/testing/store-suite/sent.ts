import { newId } from '@plugboard/core'
import fc from 'fast-check'
import type { SentMessage } from '../../log/entry.js'
import { endpointTarget } from '../../log/target.js'
import { SLOW_RUNS } from '../random-runs.js'
import { present, same } from './assertions.js'
import { storable } from './json-text.js'
import type { Cases } from './scene.js'

const whole: SentMessage = { parts: [{ ids: ['1:2'], digest: 'a' }], isWhole: true }

/** What endpoints show of messages. */
export const sentCases: Cases = {
  'what an endpoint shows of a message is on its entry, in every answer, and replaces what it showed before':
    async (scene) => {
      const [target, incomingId, talk] = [endpointTarget(newId()), newId(), await scene.talk()]
      const { clientId, streamId } = talk
      const { entry } = await scene.append(talk, { owes: [target], dedupe: 'event 1', incomingId })
      same('sent' in entry, false)
      await scene.store.recordSent(talk, entry.seq, target, { parts: [{ ids: [], digest: '' }] })
      await scene.store.recordSent(talk, entry.seq, target, whole)
      await scene.store.recordSent(talk, entry.seq, target, whole)
      const bare = await scene.say(talk)
      const page = { limit: 10 }
      for (const found of [
        (await scene.append(talk, { dedupe: 'event 1' })).entry,
        (await scene.store.listMessages(clientId, streamId, page))?.[1],
        (await scene.store.listReplies(clientId, streamId, incomingId, page))[0],
        (await scene.store.listEntries(clientId, streamId, 10))[1],
        (await scene.entries(talk))[1],
        await scene.store.findEntry(clientId, entry.id),
        await scene.store.findByDedupe(clientId, streamId, 'event 1'),
      ])
        same(found, { ...entry, sent: { [target]: whole } })
      same(await scene.store.findEntry(clientId, bare.id), bare)
    },

  'what several endpoints show is recorded at once, beside dead deliveries': async (scene) => {
    const talk = await scene.talk()
    const targets = Array.from({ length: 10 }, () => endpointTarget(newId()))
    const entry = await scene.say(talk, { owes: targets })
    const dead = { reason: 'invalid', attempts: 1, at: scene.tick(), label: 'acme', code: '400' } as const
    const [first = endpointTarget(newId())] = targets
    await Promise.all([
      scene.store.bury(talk, entry.seq, first, dead),
      ...targets.map((target) => scene.store.recordSent(talk, entry.seq, target, whole)),
    ])
    const sent = Object.fromEntries(targets.map((target) => [target, whole]))
    same(await scene.store.findEntry(talk.clientId, entry.id), { ...entry, sent, dead: { [first]: dead } })
  },

  'what is shown of a message is still known, and may change, when it was edited or deleted': async (
    scene,
  ) => {
    const [target, talk] = [endpointTarget(newId()), await scene.talk()]
    const { seq, id } = await scene.say(talk, { owes: [target] })
    await scene.store.recordSent(talk, seq, target, whole)
    await scene.store.editMessage(talk.clientId, talk.streamId, id, { payload: '{"a":1}' })
    const shown = async () => present(await scene.store.findEntry(talk.clientId, id)).sent?.[target]
    same(await shown(), whole)
    await scene.store.deleteMessages(talk.clientId, talk.streamId, id, scene.tick())
    same(await shown(), whole)
    await scene.store.recordSent(talk, seq, target, { parts: [] })
    same(await shown(), { parts: [] })
  },

  'any ids of a provider are kept': async (scene) => {
    const [target, talk] = [endpointTarget(newId()), await scene.talk()]
    const { seq, id } = await scene.say(talk, { owes: [target] })
    const part = fc.record({ ids: fc.array(storable, { maxLength: 3 }), digest: storable })
    const keeps = async (parts: SentMessage['parts']) => {
      await scene.store.recordSent(talk, seq, target, { parts })
      same((await scene.store.findEntry(talk.clientId, id))?.sent, { [target]: { parts } })
    }
    await fc.assert(fc.asyncProperty(fc.array(part, { maxLength: 4 }), keeps), { numRuns: SLOW_RUNS })
  },

  'what is shown of an entry that does not exist is not recorded': async (scene) => {
    const talk = await scene.talk()
    await scene.store.recordSent(talk, 9, endpointTarget(newId()), whole)
    await scene.store.recordSent({ ...talk, streamId: newId() }, 1, endpointTarget(newId()), whole)
    same(
      (await scene.entries(talk)).some((entry) => 'sent' in entry),
      false,
    )
  },
}
