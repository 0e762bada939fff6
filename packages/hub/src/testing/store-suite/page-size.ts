import { type Id, newId } from '@plugboard/core'
import fc from 'fast-check'
import type { Entry } from '../../log/entry.js'
import { bytesOf, firstPage, isFull, PAGE_BYTES, type Texts } from '../../log/page.js'
import { webhookTarget } from '../../log/target.js'
import type { StoredDocument } from '../../ports/stored-document.js'
import { SLOW_RUNS } from '../random-runs.js'
import { idsOf, only, present, same } from './assertions.js'
import type { Cases, Scene } from './scene.js'

/** Pages end with the item that fills them, so that none needs more memory than another. */
export const pageSizeCases: Cases = {
  'a page of messages ends with the one that fills it, whichever way it is read': async (scene) => {
    const talk = await scene.talk()
    const said: Entry[] = []
    for (const size of SIZES) said.push(await scene.say(talk, text(size)))
    const newest = said.toReversed()
    const read = (page: { before?: Id; after?: Id; until?: Date; limit?: number }) =>
      scene.store.listMessages(talk.clientId, talk.streamId, { limit: MANY, ...page })
    same(await walk(newest, (last) => read({ ...(last && { before: last.id }) })), newest)
    same(await walk(newest, (last) => read({ until: scene.now, ...(last && { before: last.id }) })), newest)
    const [first, ...others] = said
    const onwards = async (last: Entry | undefined) =>
      (await read({ after: present(last ?? first).id }))?.reverse()
    same(await walk(others, onwards), others)
    same(await read({ limit: 1 }), newest.slice(0, 1))
  },

  'whatever the sizes of messages, a page has as many as fill it': async (scene) => {
    const { id: clientId } = await scene.client()
    const user = await scene.user(clientId)
    const keeps = async (sizes: number[], limit: number) => {
      const talk = await scene.conversation(user)
      const said: Entry[] = []
      for (const size of sizes) said.unshift(await scene.say(talk, text(size)))
      same(await scene.store.listMessages(clientId, talk.streamId, { limit }), firstPage(said, limit))
    }
    const size = fc.oneof(fc.nat(5_000), fc.integer({ min: 250_000, max: PAGE_BYTES }))
    const sizes = fc.array(size, { minLength: 1, maxLength: 8 })
    await fc.assert(fc.asyncProperty(sizes, fc.integer({ min: 1, max: 10 }), keeps), { numRuns: SLOW_RUNS })
  },

  'details count, and texts of any alphabet by their bytes': async (scene) => {
    const talk = await scene.talk()
    const half = PAGE_BYTES / 2
    const plain = await scene.say(talk, { payload: '{}', details: quoted('d', half) })
    const greek = await scene.say(talk, { payload: quoted('λ', half / 2) })
    const last = await scene.say(talk, { payload: '{}' })
    const list = () => scene.store.listMessages(talk.clientId, talk.streamId, { limit: MANY })
    same(await list(), [last, greek, plain])
    const more = await scene.say(talk, { payload: quoted('😀', half / 4) })
    same(await list(), [more, last, greek])
  },

  'deliveries read the entries of a stream a page at a time, in order and without a hole': async (scene) => {
    const talk = await scene.talk()
    const [first] = await scene.entries(talk)
    const all = [present(first)]
    for (const size of SIZES) all.push(await scene.say(talk, text(size)))
    same(await walk(all, (last) => scene.store.readEntries(talk, last?.seq ?? 0, MANY)), all)
  },

  'the newest entries of a stream are no more than a page': async (scene) => {
    const talk = await scene.talk()
    const said: Entry[] = []
    for (const size of SIZES) said.unshift(await scene.say(talk, text(size)))
    same(await scene.store.listEntries(talk.clientId, talk.streamId, MANY), firstPage(said, MANY))
  },

  'replies are listed a page at a time': async (scene) => {
    const talk = await scene.talk()
    const { id: incomingId } = await scene.say(talk)
    const replies: Entry[] = []
    for (const size of SIZES) replies.push(await scene.say(talk, { incomingId, ...text(size) }))
    const read = (last: Entry | undefined, limit = MANY) =>
      scene.store.listReplies(talk.clientId, talk.streamId, incomingId, {
        limit,
        ...(last && { after: last.seq }),
      })
    same(await walk(replies, read), replies)
    same(await read(undefined, 2), replies.slice(0, 2))
    same(await read(replies.at(-2), 2), replies.slice(-1))
  },

  'dead entries are listed without what they say, and so as many as are asked for': async (scene) => {
    const talk = await scene.talk()
    const dead = { reason: 'invalid', attempts: 1, at: scene.tick(), label: 'url' } as const
    for (const size of SIZES) {
      const target = webhookTarget(newId())
      const { seq } = await scene.say(talk, { ...text(size), details: '{}', owes: [target] })
      await scene.store.bury(talk, seq, target, dead)
    }
    const listed = await scene.store.listDead(talk.clientId, { limit: MANY })
    same(listed.length, SIZES.length)
    for (const entry of listed) same(['payload' in entry, 'details' in entry], [false, false])
  },

  'a page of documents ends with the one that fills it, from either end': async (scene) => {
    const documents = await keep(scene)
    const { clientId } = present(documents[0])
    for (const term of [undefined, 'term']) {
      const range = { limit: MANY, ...(term !== undefined && { term }) }
      const read = (last: StoredDocument | undefined) =>
        scene.store.listDocuments(clientId, 'user', { ...range, ...(last && { after: last.id }) })
      same(await walk(documents, read), documents)
      const readBack = async (last: StoredDocument | undefined) => {
        const before = last && { before: last.id }
        const page = await scene.store.listDocuments(clientId, 'user', { ...range, fromEnd: true, ...before })
        return page.reverse()
      }
      same(await walk(documents.toReversed(), readBack), documents.toReversed())
    }
  },

  'of documents that are asked for by their ids a page is answered, in order of id': async (scene) => {
    const documents = await keep(scene)
    const { clientId } = present(documents[0])
    const ids = [newId(), ...idsOf(documents).reverse(), newId()]
    const read = (last: StoredDocument | undefined) =>
      scene.store.findDocuments(
        clientId,
        'user',
        ids.filter((id) => !last || id > last.id),
      )
    same(await walk(documents, read), documents)
  },
}

const MANY = 200

/** Of texts that are short, that fill a page by twos and threes, and one that is more than a page. */
const SIZES = [10, 600_000, 505_000, 20, 505_000, 30, 505_000, 2_500_000, 4_000, 40, 1_200_000, 50]

const quoted = (letter: string, times: number): string => `"${letter.repeat(times - 1)}"`

const text = (size: number) => ({ payload: quoted('x', Math.max(2, size)) })

/** All that pages give, each of which must be the first one of what is left. */
async function walk<T extends Texts>(
  all: readonly T[],
  read: (last: T | undefined) => Promise<T[] | undefined>,
): Promise<T[]> {
  const found: T[] = []
  for (;;) {
    const page = present(await read(found.at(-1)), 'a page')
    const expected = firstPage(all.slice(found.length), MANY)
    same(page.map(bytesOf), expected.map(bytesOf))
    found.push(...page)
    if (!isFull(page, MANY)) return found
  }
}

/** Documents of one client, in order of id. */
async function keep({ store }: Scene): Promise<StoredDocument[]> {
  const clientId = newId()
  const documents = SIZES.map(
    (size): StoredDocument => ({
      ...{ clientId, collection: 'user', id: newId(), terms: ['term'], version: 1 },
      data: text(size).payload,
    }),
  )
  for (const document of documents) same(await store.insertDocument(document), true)
  same(only(documents.slice(-1)).id > present(documents[0]).id, true)
  return documents
}
