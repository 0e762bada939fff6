import assert from 'node:assert/strict'
import { newId } from '@plugboard/core'
import type { StreamRef } from '../../log/entry.js'
import { endpointTarget, webhookTarget } from '../../log/target.js'
import type { Append } from '../../ports/store.js'
import { atOnce, idsOf, only, present, same } from './assertions.js'
import { type Cases, entryOf } from './scene.js'

/** How entries get into a stream. */
export const appendCases: Cases = {
  'an entry is answered, and stands in the stream, with all that it was given': async (scene) => {
    const talk = await scene.talk()
    const incoming = await scene.say(talk)
    const input = scene.appending(talk, {
      author: { userId: talk.userId },
      payload: '{ "type":"text" }',
      dedupe: 'event 1',
      incomingId: incoming.id,
      collectUntil: scene.after(10),
      channel: 'telegram',
      owes: [webhookTarget(newId()), endpointTarget(newId()), webhookTarget(newId())],
    })
    const { entry, duplicate, userId } = present(await scene.store.append(input))
    same([duplicate, userId], [false, talk.userId])
    same(entry, entryOf(input, 3))
    same(await scene.store.findEntry(talk.clientId, entry.id), entry)
    same((await scene.entries(talk)).at(-1), entry)
  },

  'the newest number of each stream is found, in the order of the question, and none of what is not there':
    async (scene) => {
      const [one, other, gone] = [await scene.talk(), await scene.talk(), await scene.talk()]
      await scene.say(one)
      await scene.say(one)
      await scene.store.deleteConversation(gone.clientId, gone.streamId, scene.event('conversation.deleted'))
      const user = { clientId: one.clientId, streamId: one.userId }
      const nobody = { clientId: one.clientId, streamId: newId() }
      same(await scene.store.findHeads([other, nobody, one, user, gone, one]), [1, undefined, 3, 1, 2, 3])
      same(await scene.store.findHeads([]), [])
    },

  'what an entry was not given is absent from it': async (scene) => {
    const talk = await scene.talk()
    const input = scene.appending(talk, { type: 'conversation.started' })
    const { entry } = present(await scene.store.append(input))
    same(entry, entryOf(input, 2))
    same(await scene.entries(entry), [(await scene.entries(talk))[0], entry])
  },

  'a hundred entries appended at once get the numbers that follow, each its own': async (scene) => {
    const talk = await scene.talk()
    const appended = await atOnce(100, () => scene.append(talk))
    const bySeq = appended.map(({ entry }) => entry).sort((a, b) => a.seq - b.seq)
    same(
      bySeq.map(({ seq }) => seq),
      Array.from({ length: 100 }, (_, index) => index + 2),
    )
    same((await scene.entries(talk)).slice(1), bySeq)
  },

  'each stream has numbers of its own, however many are appended to at once': async (scene) => {
    const user = await scene.user((await scene.client()).id)
    const talks = await atOnce(10, () => scene.conversation(user))
    const appended = await atOnce(100, (index) => scene.append(present(talks[index % 10])))
    for (const talk of talks) {
      const mine = appended.map(({ entry }) => entry).filter(({ streamId }) => streamId === talk.streamId)
      same(
        (await scene.entries(talk)).slice(1),
        mine.sort((a, b) => a.seq - b.seq),
      )
      same(mine.length, 10)
    }
  },

  'the time of an entry is its own, unless the one before it is younger': async (scene) => {
    const talk = await scene.talk()
    const inSeconds = (given: number[]) => given.map((seconds) => new Date(start.getTime() + seconds * 1000))
    const start = scene.tick()
    const times: Date[] = []
    for (const at of inSeconds([10, 5, 20, 7, 21])) times.push((await scene.say(talk, { at })).at)
    same(times, inSeconds([10, 10, 20, 20, 21]))
    const stored = (await scene.entries(talk)).slice(1)
    same(
      stored.map(({ at }) => at),
      times,
    )
  },

  'times never run against numbers, however appends at once come in': async (scene) => {
    const talk = await scene.talk()
    await atOnce(50, (index) => scene.append(talk, { at: scene.after((index * 37) % 50) }))
    same((await scene.entries(talk)).length, 51)
  },

  'an entry with the dedupe of one in the stream is answered by that one, and is not appended': async (
    scene,
  ) => {
    const talk = await scene.talk()
    const first = await scene.append(talk, { dedupe: 'event 1' })
    const second = await scene.append(talk, { dedupe: 'event 1', payload: '{"other":true}' })
    same([first.duplicate, second.duplicate, second.entry], [false, true, first.entry])
    const next = await scene.append(talk, { dedupe: 'Event 1' })
    same(next.duplicate, false)
    same(idsOf(await scene.entries(talk)).slice(1), [first.entry.id, next.entry.id])
  },

  'of twenty with one dedupe at once one is appended, and all are answered by it': async (scene) => {
    const talk = await scene.talk()
    const answers = await atOnce(20, () => scene.append(talk, { dedupe: 'event 1' }))
    const { entry } = only(answers.filter(({ duplicate }) => !duplicate))
    for (const answer of answers) same(answer.entry, entry)
    same((await scene.entries(talk)).slice(1), [entry])
  },

  'a dedupe holds in its stream alone': async (scene) => {
    const user = await scene.user((await scene.client()).id)
    const talks = [await scene.conversation(user), await scene.conversation(user), await scene.talk()]
    for (const talk of talks) same((await scene.append(talk, { dedupe: 'event 1' })).duplicate, false)
  },

  'an entry is found by its dedupe, in its stream and by its client alone': async (scene) => {
    const talk = await scene.talk()
    const elsewhere = await scene.talk()
    const { entry } = await scene.append(talk, { dedupe: 'event 1' })
    await scene.append(talk, { dedupe: 'event 2' })
    const find = (stream: StreamRef, dedupe = 'event 1') =>
      scene.store.findByDedupe(stream.clientId, stream.streamId, dedupe)
    same(await find(talk), entry)
    for (const missing of [
      find(talk, 'event 3'),
      find(elsewhere),
      find({ ...talk, clientId: elsewhere.clientId }),
      find({ ...talk, streamId: newId() }),
    ])
      same(await missing, undefined)
    await scene.store.deleteMessages(talk.clientId, talk.streamId, entry.id, scene.tick())
    same((await find(talk))?.payload, '')
  },

  'an entry with the id of one in the stream is answered by that one, and is not appended': async (scene) => {
    const talk = await scene.talk()
    const id = newId()
    const answers = await atOnce(20, () => scene.append(talk, { id }))
    const { entry } = only(answers.filter(({ duplicate }) => !duplicate))
    const late = await scene.append(talk, { id, payload: '{"other":true}' })
    for (const answer of [...answers, late]) same(answer.entry, entry)
    same([late.duplicate, (await scene.entries(talk)).slice(1)], [true, [entry]])
  },

  'entries that were there before leave no hole behind them': async (scene) => {
    const talk = await scene.talk()
    const answers = await atOnce(60, (index) => scene.append(talk, { dedupe: `event ${index % 20}` }))
    same(answers.filter(({ duplicate }) => !duplicate).length, 20)
    const last = await scene.say(talk)
    const entries = await scene.entries(talk)
    same([entries.length, entries.at(-1)?.id], [22, last.id])
  },

  'nothing can be appended to a user or a conversation that is not there': async (scene) => {
    const { clientId } = await scene.talk()
    for (const kind of ['user', 'conversation'] as const) {
      const input = scene.appending({ clientId, streamId: newId() }, { kind, owes: [webhookTarget(newId())] })
      same(await scene.store.append(input), undefined)
      same(await scene.store.findEntry(clientId, input.entry.id), undefined)
    }
    same(await scene.claimDue(), [])
  },

  'the stream of an integration begins with its first entry': async (scene) => {
    const stream = { clientId: (await scene.client()).id, streamId: newId() }
    const health = { kind: 'integration', type: 'health.new' } as const
    const appended = await atOnce(20, () => scene.append(stream, health))
    same(
      appended.map(({ entry }) => entry.seq).sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, index) => index + 1),
    )
    same((await scene.say(stream, health)).seq, 21)
    same((await scene.entries(stream)).length, 21)
  },

  'resolve is told whose conversation it is, and where it lives': async (scene) => {
    const { id: clientId } = await scene.client()
    const input = scene.mapping(clientId)
    const { userId, conversationId: streamId, endpointId } = await scene.store.mapEndpoint(input)
    const target = endpointTarget(endpointId)
    const append = scene.appending({ clientId, streamId })
    const expected = { userId, endpoints: [{ id: endpointId, channel: input.channel, ...input.endpoint }] }
    const { entry } = present(
      await scene.store.append({
        ...append,
        resolve: (stream) => {
          same(stream, expected)
          return { owes: [target], channel: stream.endpoints[0]?.channel.name ?? 'none' }
        },
      }),
    )
    same([entry.owes, entry.channel], [[target], 'telegram'])
    same(await scene.store.findEntry(clientId, entry.id), entry)
  },

  'resolve is told of no endpoint where there is none': async (scene) => {
    const talk = await scene.talk()
    const resolve: Append['resolve'] = (stream) => {
      same(stream, { userId: talk.userId, endpoints: [] })
      return { owes: [], channel: 'asked' }
    }
    const appended = await scene.store.append({ ...scene.appending(talk), resolve })
    same(appended?.entry.channel, 'asked')
  },

  'of many appends at once those that fail leave the others whole': async (scene) => {
    const talk = await scene.talk()
    const unknown = { ...talk, streamId: newId() }
    const good = (index: number) =>
      scene.append(talk, { dedupe: `event ${index}`, owes: [webhookTarget(newId())] })
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) => {
        if (index % 4 === 1) return scene.store.append({ ...scene.appending(talk), resolve: fails })
        return index % 4 === 2 ? scene.store.append(scene.appending(unknown)) : good(index)
      }),
    )
    const failed = results.filter(({ status }) => status === 'rejected')
    const kept = results.flatMap((result) =>
      result.status === 'fulfilled' && result.value ? [result.value.entry] : [],
    )
    same([failed.length, kept.length], [10, 20])
    same(
      (await scene.entries(talk)).slice(1),
      kept.sort((a, b) => a.seq - b.seq),
    )
    assert.ok((await scene.say(talk)).seq > present(kept.at(-1)).seq)
    same((await scene.entries(talk)).length, 22)
  },
}

const fails = () => {
  throw new Error('this append is to fail')
}
