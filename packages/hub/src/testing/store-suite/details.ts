import { newId } from '@plugboard/core'
import fc from 'fast-check'
import { webhookTarget } from '../../log/target.js'
import { SLOW_RUNS } from '../random-runs.js'
import { present, same } from './assertions.js'
import { awkwardTexts, jsonText } from './json-text.js'
import type { Cases, Scene, Talk } from './scene.js'

/** What is known of a message beside its payload. */
export const detailsCases: Cases = {
  'any JSON text is kept byte for byte as the details of a message': async (scene) => {
    const user = await scene.user((await scene.client()).id)
    const keeps = async (texts: string[]) => keepsDetails(scene, await scene.conversation(user), texts)
    await keeps(awkwardTexts.slice(0, -2))
    const texts = fc.array(jsonText, { minLength: 1, maxLength: 10 })
    await fc.assert(fc.asyncProperty(texts, keeps), { numRuns: SLOW_RUNS })
  },

  'every method that answers a message answers its details, and those of a message without have none': async (
    scene,
  ) => {
    const [details, target, incomingId] = ['{"a" : 1.0}', webhookTarget(newId()), newId()]
    const talk = await scene.talk()
    const { clientId, streamId } = talk
    const fields = { details, owes: [target], dedupe: 'event 1', incomingId }
    const { entry } = await scene.append(talk, fields)
    const again = await scene.append(talk, { dedupe: 'event 1', details: '{}' })
    const dead = { reason: 'invalid', attempts: 1, at: scene.tick(), label: 'url' } as const
    await scene.store.bury(talk, entry.seq, target, dead)
    const bare = await scene.say(talk)
    const page = { limit: 10 }
    const found = [
      entry,
      again.entry,
      (await scene.store.listMessages(clientId, streamId, page))?.[1],
      (await scene.store.listReplies(clientId, streamId, incomingId, page))[0],
      (await scene.store.listEntries(clientId, streamId, 10))[1],
      (await scene.entries(talk))[1],
      await scene.store.findEntry(clientId, entry.id),
      await scene.store.findByDedupe(clientId, streamId, 'event 1'),
    ]
    for (const each of found) same([each?.id, each?.details], [entry.id, details])
    for (const each of [bare, await scene.store.findEntry(clientId, bare.id)])
      same('details' in present(each), false)
  },

  'the details of a message that is deleted are gone, alone and with its conversation': async (scene) => {
    const talk = await scene.talk()
    const { clientId, streamId } = talk
    const [gone, kept] = [
      await scene.say(talk, { details: '[1]' }),
      await scene.say(talk, { details: '[2]' }),
    ]
    await scene.store.deleteMessages(clientId, streamId, gone.id, scene.tick())
    const details = async () => (await scene.entries(talk)).map((each) => each.details)
    same(await details(), [undefined, undefined, '[2]'])
    same((await scene.store.findEntry(clientId, gone.id))?.details, undefined)
    await scene.store.deleteConversation(clientId, streamId, scene.event('conversation.deleted'))
    same(await details(), [undefined, undefined, undefined, undefined])
    same((await scene.store.findEntry(clientId, kept.id))?.details, undefined)
  },
}

async function keepsDetails(scene: Scene, talk: Talk, texts: readonly string[]): Promise<void> {
  const appended = await Promise.all(texts.map((details) => scene.append(talk, { details, payload: '{}' })))
  same(
    appended.map(({ entry }) => entry.details),
    texts,
  )
  const entries = appended.map(({ entry }) => entry).sort((a, b) => a.seq - b.seq)
  same((await scene.entries(talk)).slice(1), entries)
  same(await scene.store.listMessages(talk.clientId, talk.streamId, { limit: 100 }), entries.toReversed())
  for (const entry of entries) same(await scene.store.findEntry(talk.clientId, entry.id), entry)
}
