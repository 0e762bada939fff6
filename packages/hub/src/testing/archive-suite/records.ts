import { newId } from '@plugboard/core'
import fc from 'fast-check'
import { webhookTarget } from '../../log/target.js'
import type { ArchivePage, ArchiveRecord } from '../../ports/archive.js'
import { ARCHIVE_KINDS, COPY_META } from '../../ports/archive.js'
import { SLOW_RUNS } from '../random-runs.js'
import { only, present, refuses, same } from '../store-suite/assertions.js'
import { populate, snapshot } from '../store-suite/world.js'
import { type Cases, firstOf, recordsOf, sameRecords } from './copies.js'
import { deed, does } from './deeds.js'

/** What is copied. */
export const recordCases: Cases = {
  'a copy has every record, and reads as the original': async (copies) => {
    const { scene, archive } = await copies.fresh()
    await scene.store.putMeta('name', 'value')
    const worlds = [await populate(scene, { name: 'one' }), await populate(scene)]
    const copy = await copies.copy(archive)
    await sameRecords(copy.archive, archive)
    for (const world of worlds)
      same(await snapshot(copy.scene.store, world), await snapshot(scene.store, world))
    same(await copy.scene.store.getMeta('name'), 'value')
  },

  'whatever happened to a store, its copy has every record': async (copies) => {
    const keeps = async (deeds: Parameters<typeof does>[1]): Promise<void> => {
      const { scene, archive } = await copies.fresh()
      await does(scene, deeds)
      const copy = await copies.copy(archive)
      await sameRecords(copy.archive, archive)
      same(await copy.archive.count(), await archive.count())
    }
    await fc.assert(fc.asyncProperty(fc.array(deed, { minLength: 5, maxLength: 40 }), keeps), {
      numRuns: SLOW_RUNS,
    })
  },

  'what is written twice is there once, also when it was cut off in between': async (copies) => {
    const { scene, archive } = await copies.fresh()
    await populate(scene)
    const records = await recordsOf(archive)
    const copy = await copies.fresh()
    for (let end = 5; end < records.length; end += 5) await copy.archive.write(records.slice(0, end))
    await copy.archive.write(records)
    await sameRecords(copy.archive, archive)
  },

  'a reader goes on after any page, and counts what it reads': async (copies) => {
    const { scene, archive } = await copies.fresh()
    const talk = await scene.talk()
    await Promise.all(Array.from({ length: 600 }, () => scene.say(talk)))
    await populate(scene)
    const pages: ArchivePage[] = []
    for await (const page of archive.read()) pages.push(page)
    const all = pages.flatMap(({ records }) => records)
    same(await recordsOf(archive, pages[0]?.cursor), all.slice(pages[0]?.records.length))
    let read = 0
    for (const { records, cursor } of pages) {
      read += records.length
      const next = await firstOf(archive, cursor)
      same([next.length > 0, next], [read < all.length, all.slice(read, read + next.length)])
    }
    const counts = await archive.count()
    for (const kind of ARCHIVE_KINDS) same(counts[kind], all.filter((record) => record.kind === kind).length)
    const order = all.map(({ kind }) => ARCHIVE_KINDS.indexOf(kind))
    same(
      order,
      order.toSorted((a, b) => a - b),
    )
  },

  'a page of large entries is a short one': async (copies) => {
    const { scene, archive } = await copies.fresh()
    const talk = await scene.talk()
    const payload = JSON.stringify('x'.repeat(1_000_000))
    for (let i = 0; i < 12; i += 1) await scene.say(talk, { payload })
    for await (const { records } of archive.read()) {
      const large = records.filter((record) => record.kind === 'entry' && record.payload === payload)
      same(large.length <= 5, true)
    }
    same((await recordsOf(archive, '')).filter(({ kind }) => kind === 'entry').length, 14)
  },

  'the history of attempts is left out: it says what another store did': async (copies) => {
    const { scene, archive } = await copies.fresh()
    const { talk, question, target } = await populate(scene)
    const attempt = {
      seq: question.seq,
      target,
      at: scene.tick(),
      durationMs: 5,
      outcome: 'delivered',
    } as const
    await scene.store.recordAttempts([{ ...talk, ...attempt }])
    same((await scene.store.listAttempts(talk, [question])).length, 1)
    const copy = await copies.copy(archive)
    same(await copy.archive.count(), await archive.count())
    same(await copy.scene.store.listAttempts(talk, [question]), [])
  },

  'meta of copies are left out': async (copies) => {
    const { scene, archive } = await copies.fresh()
    await scene.store.putMeta(`${COPY_META}mark`, 'mine')
    await scene.store.putMeta('copy', 'theirs')
    same(await recordsOf(archive), [{ kind: 'meta', key: 'copy', value: 'theirs' }])
    same((await archive.count()).meta, 1)
  },

  'what was held is due, and what is owed goes on where it was': async (copies) => {
    const { scene, archive } = await copies.fresh()
    const talk = await scene.talk()
    const target = webhookTarget(newId())
    const { claimed } = await scene.claimAtAppend(talk, target)
    const lanes = { [target]: { done: 1, attempt: 2, part: 1, blockedUntil: scene.after(60), error: 'no' } }
    await scene.store.mark(talk, claimed.lease, { scanned: 2, lanes, nextAt: 'active' })
    const late = await scene.talk()
    const held = await scene.claimAtAppend(late, target)
    await scene.store.mark(late, held.claimed.lease, { scanned: 2, lanes: {}, nextAt: scene.after(9) })
    const { store } = (await copies.copy(archive)).scene
    same(await store.backlog(10), await scene.store.backlog(10))
    const now = scene.tick()
    const due = only((await store.claimDue({ now, limit: 10, except: [] })).claimed)
    same([due.streamId, due.scanned, due.lanes, due.seq], [talk.streamId, 2, lanes, 2])
    same((await store.claimDue({ now: scene.after(8), limit: 10, except: [] })).claimed, [])
    const then = await store.claimDue({ now: scene.after(10), limit: 10, except: [] })
    same(only(then.claimed).streamId, late.streamId)
  },

  'what was written is due where somebody has looked before': async (copies) => {
    const { scene, archive } = await copies.fresh()
    const talk = await scene.talk()
    await scene.say(talk, { owes: [webhookTarget(newId())] })
    const copy = await copies.fresh()
    const look = () => copy.scene.store.claimDue({ now: scene.now, limit: 10, except: [] })
    same((await look()).claimed, [])
    await copy.archive.write(await recordsOf(archive))
    same(only((await look()).claimed).streamId, talk.streamId)
  },

  'a number that nobody used is in no list, and is not used again': async (copies) => {
    const { scene, archive } = await copies.fresh()
    const talk = await scene.talk()
    const said = await scene.say(talk)
    const records = (await recordsOf(archive)).map((record) =>
      'id' in record && record.id === talk.streamId ? { ...record, seq: 3, scanned: 3 } : record,
    )
    const { clientId, streamId } = talk
    const unused = { id: newId(), clientId, streamId, seq: 3, type: 'void', payload: '', owes: [] } as const
    const copy = await copies.fresh()
    await copy.archive.write([...records, { kind: 'entry', ...unused, at: said.at }])
    const listed = await copy.scene.store.listEntries(clientId, streamId, 10)
    same(
      listed.map(({ seq }) => seq),
      [2, 1],
    )
    same(await copy.scene.store.listMessages(clientId, streamId, { limit: 10 }), [said])
    same((await copy.scene.say(talk)).seq, 4)
  },

  'a copy goes on as the original would have': async (copies) => {
    const { scene, archive } = await copies.fresh()
    const { client, user, quiet, talk, mapping, dead, target, claim, question } = await populate(scene)
    const gone = await scene.conversation(user)
    await scene.store.deleteConversation(client.id, gone.streamId, scene.event('conversation.deleted'))
    const last = (await scene.entries(talk)).length
    const { scene: copy } = await copies.copy(archive)
    const { store } = copy
    const again = await store.mapEndpoint(scene.mapping(client.id))
    same([again.conversationId, again.endpointId], [mapping.ids.conversation, mapping.ids.endpoint])
    const other = scene.mapping(client.id, { endpoint: { thread: 'other' } })
    same((await store.mapEndpoint(other)).userId, mapping.ids.user)
    same((await copy.say(talk)).seq, last + 1)
    same((await copy.append(talk, { dedupe: 'event 1' })).entry.id, question.id)
    const made = await store.createUser(user, scene.event('user.new'))
    same([made.duplicate, made.entry.seq], [true, 1])
    same((await copy.say(quiet)).seq, 2)
    same((await copy.talk(client.id)).clientId, client.id)
    const listed = await store.listConversations(client.id, talk.userId, { limit: 10 })
    same(listed.at(-1)?.id, talk.streamId)
    const key = await store.claimKey({ ...claim, id: newId(), expiresBefore: new Date(0) })
    same([key.fresh, key.id], [false, claim.id])
    const replayed = await store.replay({
      ...{ clientId: client.id, entryId: dead.id, target, to: target, now: scene.tick() },
    })
    same(present(replayed).streamId, talk.streamId)
    same(await store.findConversation(client.id, gone.streamId), undefined)
    same((await store.purgeDeleted(100)) > 0, true)
  },

  'a record whose id or place is taken is refused': async (copies) => {
    const { scene, archive } = await copies.fresh()
    const { talk, document } = await populate(scene)
    const records = await recordsOf(archive)
    const copy = await copies.fresh()
    await copy.archive.write(records)
    const entry = present(
      records.find((record) => record.kind === 'entry' && record.streamId === talk.streamId),
    )
    const stream = present(records.find(({ kind }) => kind === 'user'))
    for (const record of [
      { ...entry, id: newId() },
      { ...entry, seq: 1_000 },
      { ...stream, kind: 'integration' },
      { kind: 'document', ...document, id: newId() },
    ]) {
      await refuses('CONFLICT', copy.archive.write([record as ArchiveRecord]))
    }
    await sameRecords(copy.archive, archive)
  },
}
