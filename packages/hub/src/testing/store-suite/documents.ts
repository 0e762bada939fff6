import { type Id, newId } from '@plugboard/core'
import fc from 'fast-check'
import { NO_CLIENT, type StoredDocument } from '../../ports/stored-document.js'
import { SLOW_RUNS } from '../random-runs.js'
import { atOnce, idsOf, only, present, refuses, same } from './assertions.js'
import { awkwardTexts, jsonText, storable } from './json-text.js'
import { keepsRanges, scatteredIds } from './ranges.js'
import type { Cases, Scene } from './scene.js'

/** What is kept of users, conversations and credentials beside the logs. */
export const documentCases: Cases = {
  'a document is found by its id and by its name as it was put in, and in its collection alone': async ({
    store,
  }) => {
    const named = draft({ name: 'ann', terms: ['b', 'a'], version: 7 })
    const bare = draft({ clientId: named.clientId })
    const { clientId } = named
    for (const document of [named, bare]) same(await store.insertDocument(document), true)
    same(await store.findDocument(clientId, 'user', { id: named.id }), named)
    same(await store.findDocument(clientId, 'user', { name: 'ann' }), named)
    same(await store.findDocument(clientId, 'user', { id: bare.id }), bare)
    for (const by of [{ id: named.id }, { name: 'ann' }])
      same(await store.findDocument(clientId, 'other', by), undefined)
    for (const by of [{ id: newId() }, { name: 'Ann' }, { name: '' }])
      same(await store.findDocument(clientId, 'user', by), undefined)
  },

  'an id or a name that is taken in its collection is refused, and what is there stays': async ({
    store,
  }) => {
    const first = draft({ name: 'ann', terms: ['a'] })
    same(await store.insertDocument(first), true)
    const { clientId, id } = first
    same(await store.insertDocument(draft({ clientId, id, name: 'bob', terms: ['b'] })), false)
    same(await store.insertDocument(draft({ clientId, name: 'ann', terms: ['b'] })), false)
    same(await store.listDocuments(clientId, 'user', { limit: 10 }), [first])
    same(await store.listDocuments(clientId, 'user', { term: 'b', limit: 10 }), [])
    same(await store.findDocument(clientId, 'user', { name: 'bob' }), undefined)
    const elsewhere = { ...first, collection: 'other', data: '2' }
    same(await store.insertDocument(elsewhere), true)
    same(await store.findDocument(clientId, 'other', { name: 'ann' }), elsewhere)
    same(await store.findDocument(clientId, 'user', { name: 'ann' }), first)
  },

  'of twenty who insert one name or one id at once one does': async ({ store }) => {
    const { clientId, id } = draft()
    const named = await atOnce(20, () => store.insertDocument(draft({ clientId, name: 'ann' })))
    only(named.filter((isIn) => isIn))
    const same20 = await atOnce(20, (index) =>
      store.insertDocument(draft({ clientId, id, data: `${index}` })),
    )
    const winner = same20.indexOf(true)
    only(same20.filter((isIn) => isIn))
    same((await store.findDocument(clientId, 'user', { id }))?.data, `${winner}`)
    same((await store.listDocuments(clientId, 'user', { limit: 100 })).length, 2)
  },

  'a document is replaced whole by the version after it, and by no other': async ({ store }) => {
    const first = draft({ name: 'ann', terms: ['a', 'b'] })
    await store.insertDocument(first)
    const { clientId, id } = first
    const second = { ...draft({ clientId, id, terms: ['b', 'c'] }), version: 2, data: '[2]' }
    for (const version of [1, 3, 9]) same(await store.replaceDocument({ ...second, version }), false)
    same(await store.replaceDocument({ ...second, id: newId() }), false)
    same(await store.replaceDocument({ ...second, collection: 'other' }), false)
    same(await store.findDocument(clientId, 'user', { id }), first)
    same(await store.replaceDocument(second), true)
    same(await store.findDocument(clientId, 'user', { id }), second)
    same(await store.findDocument(clientId, 'user', { name: 'ann' }), undefined)
    const byTerm = async (term: string) =>
      idsOf(await store.listDocuments(clientId, 'user', { term, limit: 9 }))
    same([await byTerm('a'), await byTerm('b'), await byTerm('c')], [[], [id], [id]])
    same(await store.replaceDocument(second), false)
  },

  'of twenty who replace one version at once one does': async ({ store }) => {
    const first = draft()
    await store.insertDocument(first)
    const answers = await atOnce(20, (index) =>
      store.replaceDocument({ ...first, version: 2, terms: [`t${index}`], data: `${index}` }),
    )
    only(answers.filter((isIn) => isIn))
    const winner = answers.indexOf(true)
    const found = present(await store.findDocument(first.clientId, 'user', { id: first.id }))
    same([found.version, found.data, found.terms], [2, `${winner}`, [`t${winner}`]])
    for (let index = 0; index < 20; index += 1) {
      const listed = await store.listDocuments(first.clientId, 'user', { term: `t${index}`, limit: 9 })
      same(listed.length, index === winner ? 1 : 0)
    }
  },

  'a replacement with a name that is taken is refused, and the document stays': async ({ store }) => {
    const [ann, bob] = [draft({ name: 'ann', terms: ['a'] }), draft({ name: 'bob' })]
    bob.clientId = ann.clientId
    for (const document of [ann, bob]) await store.insertDocument(document)
    await refuses('CONFLICT', store.replaceDocument({ ...ann, name: 'bob', terms: ['z'], version: 2 }))
    same(await store.listDocuments(ann.clientId, 'user', { limit: 9 }), sorted([ann, bob]))
    same(await store.listDocuments(ann.clientId, 'user', { term: 'z', limit: 9 }), [])
    same(await store.listDocuments(ann.clientId, 'user', { term: 'a', limit: 9 }), [ann])
    // Whatever its name, an old version is no conflict.
    same(await store.replaceDocument({ ...ann, version: 9 }), false)
    same(await store.replaceDocument({ ...bob, name: 'carl', version: 2 }), true)
    same(await store.replaceDocument({ ...ann, name: 'bob', version: 2 }), true)
  },

  'a document that was removed is found by nothing, and its id, its name and its terms are free': async ({
    store,
  }) => {
    const first = draft({ name: 'ann', terms: ['a'] })
    const { clientId, id } = first
    const other = { ...first, collection: 'other' }
    for (const document of [first, other]) await store.insertDocument(document)
    same(await store.removeDocument(clientId, 'user', newId()), false)
    same(await store.removeDocument(clientId, 'user', id), true)
    same(await store.removeDocument(clientId, 'user', id), false)
    for (const by of [{ id }, { name: 'ann' }])
      same(await store.findDocument(clientId, 'user', by), undefined)
    same(await store.findDocuments(clientId, 'user', [id]), [])
    for (const range of [{}, { term: 'a' }])
      same(await store.listDocuments(clientId, 'user', { ...range, limit: 9 }), [])
    same(await store.replaceDocument({ ...first, version: 2 }), false)
    same(await store.findDocument(clientId, 'other', { name: 'ann' }), other)
    same(await store.insertDocument({ ...first, data: '2' }), true)
    same(await store.listDocuments(clientId, 'user', { term: 'a', limit: 9 }), [{ ...first, data: '2' }])
  },

  'several are found by their ids, those that are there': async ({ store }) => {
    const { clientId } = draft()
    const documents = Array.from({ length: 30 }, (_, index) => draft({ clientId, name: `${index}` }))
    for (const document of documents) await store.insertDocument(document)
    await store.insertDocument({ ...draft({ clientId }), collection: 'other' })
    const some = documents.slice(5, 25)
    const found = await store.findDocuments(clientId, 'user', [newId(), ...idsOf(some), newId()])
    same(sorted(found), sorted(some))
    same(await store.findDocuments(clientId, 'other', idsOf(some)), [])
    same(await store.findDocuments(clientId, 'user', []), [])
  },

  'the documents of a collection are listed in order of id, from either end and between any two': async (
    scene,
  ) => {
    const { clientId } = draft()
    const ids = scatteredIds(6)
    await fill(scene, clientId, ids, ['a'])
    await fill(scene, clientId, scatteredIds(3), ['a'], 'other')
    await fill(scene, newId(), scatteredIds(3), ['a'])
    await keepsRanges(ids, (range) => scene.store.listDocuments(clientId, 'user', range))
  },

  'those with a term are listed in the same way': async (scene) => {
    const { clientId } = draft()
    const [ids, others] = [scatteredIds(6), Array.from({ length: 4 }, newId)]
    await fill(scene, clientId, ids, ['z', 'term', 'a'])
    await fill(scene, clientId, others, ['z', 'other'])
    await fill(scene, clientId, scatteredIds(3), ['term'], 'other')
    await keepsRanges(ids, (range) => scene.store.listDocuments(clientId, 'user', { ...range, term: 'term' }))
    same(
      idsOf(await scene.store.listDocuments(clientId, 'user', { term: 'other', limit: 99 })),
      others.sort(),
    )
  },

  'terms and names that are equal to a careless eye are not the same': async ({ store }) => {
    const { clientId } = draft()
    const texts = ['a', 'A', 'a ', ' a', 'ab', '', '1', '01', '1.0', 'é', 'e\u0301', '$ne', 'a.b', '%', '😀']
    for (const text of texts)
      same(await store.insertDocument(draft({ clientId, name: text, terms: [text] })), true)
    for (const text of texts) {
      const found = only(await store.listDocuments(clientId, 'user', { term: text, limit: 99 }))
      same([found.name, found.terms], [text, [text]])
      same(await store.findDocument(clientId, 'user', { name: text }), found)
    }
    for (const term of ['b', '10', '_'])
      same(await store.listDocuments(clientId, 'user', { term, limit: 9 }), [])
  },

  'any JSON text is kept byte for byte as the data of a document, and any name and terms as they are':
    async ({ store }) => {
      const { clientId } = draft()
      const keeps = async (data: string, name: string, terms: string[]) => {
        const document = draft({ clientId, name: `${newId()}${name}`, terms, data })
        same(await store.insertDocument(document), true)
        same(await store.findDocument(clientId, 'user', { id: document.id }), document)
        const next = { ...document, version: 2, data: `[${data}]` }
        same(await store.replaceDocument(next), true)
        same(await store.findDocument(clientId, 'user', { name: present(document.name) }), next)
        for (const term of terms) {
          const listed = await store.listDocuments(clientId, 'user', { term, limit: 1, fromEnd: true })
          same(listed.at(-1), next)
        }
        await store.removeDocument(clientId, 'user', document.id)
      }
      for (const data of awkwardTexts) await keeps(data, '', [])
      const terms = fc.uniqueArray(storable, { maxLength: 4 })
      await fc.assert(fc.asyncProperty(jsonText, storable, terms, keeps), { numRuns: SLOW_RUNS })
    },

  'documents of no client are as any other, and those of clients are not among them': async ({ store }) => {
    const ours = draft({ clientId: NO_CLIENT, name: 'ann', terms: ['a'] })
    const theirs = { ...ours, clientId: newId() }
    same([await store.insertDocument(ours), await store.insertDocument(theirs)], [true, true])
    same(await store.findDocument(NO_CLIENT, 'user', { name: 'ann' }), ours)
    same(await store.listDocuments(NO_CLIENT, 'user', { limit: 9, term: 'a' }), [ours])
    same(await store.replaceDocument({ ...ours, version: 2 }), true)
    same(await store.findDocument(theirs.clientId, 'user', { id: ours.id }), theirs)
    same(await store.removeDocument(NO_CLIENT, 'user', ours.id), true)
    same(await store.findDocuments(theirs.clientId, 'user', [ours.id]), [theirs])
  },
}

const draft = (fields: Partial<StoredDocument> = {}): StoredDocument => ({
  clientId: newId(),
  collection: 'user',
  id: newId(),
  terms: [],
  version: 1,
  data: '{"a" : 1.0}',
  ...fields,
})

const sorted = (documents: readonly StoredDocument[]): StoredDocument[] =>
  documents.toSorted((a, b) => (a.id < b.id ? -1 : 1))

async function fill(
  { store }: Scene,
  clientId: Id,
  ids: readonly Id[],
  terms: string[],
  collection = 'user',
): Promise<void> {
  for (const id of ids) same(await store.insertDocument(draft({ clientId, collection, id, terms })), true)
}
