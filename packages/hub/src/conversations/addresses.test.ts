import {
  type Alias,
  type Endpoint,
  type Id,
  type InboundEvent,
  newId,
  type Person,
  parseJsonObject,
} from '@plugboard/core'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { acmeChannel } from '../../test/support/acme-channel.js'
import { integrationOf, recordOf } from '../../test/support/clients.js'
import { openHub, SharedStore } from '../../test/support/hub.js'
import { byBoth, expectOnePerson, PHONE, phone, ways, writings } from '../../test/support/one-person.js'
import type { ClientView } from '../clients/directory.js'
import type { Hub } from '../hub.js'
import type { Entry } from '../log/entry.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'
import { Merges } from './merges.js'

/** What the test says that somebody did; the rest of an event follows from it. */
interface Deed {
  sender: string
  aliases?: readonly (string | Alias)[]
  thread?: string
  text?: string
  person?: Person
  to?: Partial<Endpoint>
  type?: 'message' | 'renamed' | 'reaction'
}

describe('the addresses of a person', () => {
  test('lead to one user and one conversation, whichever comes next', async () => {
    const { say, people } = await setUp()
    const first = await say({ sender: PHONE })
    expect(await say({ sender: 'id', aliases: [phone] })).toEqual(first)
    expect(await say({ sender: 'id' })).toEqual(first)
    expect(await say({ sender: PHONE })).toEqual(first)
    expect(await people()).toEqual([first.userId])
  })

  test('find the person for operators, each of them, with and without the plus sign of a number', async () => {
    const { say, hub, client, ids } = await setUp()
    const first = await say({ sender: 'id', aliases: [phone] })
    await say({ sender: 'somebody else' })
    for (const text of ['id', PHONE])
      expect(ids(await hub.people.findByIdentity(await client(), text))).toEqual([first.userId])
    expect(await hub.people.findByIdentity(await client(), 'nobody')).toEqual([])
    const { identities, conversations } = await hub.people.get(await client(), first.userId)
    expect(ids(conversations)).toEqual([first.conversationId])
    expect(identities).toMatchObject([{ channel: 'acme', integration: 'acme' }])
    const [known] = identities
    expect([known?.sender, ...(known?.aliases ?? [])].sort()).toEqual([PHONE, 'id'])
  })

  test('may be told with the telephone number as the sender', async () => {
    const { say } = await setUp()
    const first = await say({ sender: PHONE, aliases: ['id', phone] })
    expect(await say({ sender: 'id' })).toEqual(first)
    const other = await say({ sender: PHONE, aliases: ['other', phone] })
    expect(other.userId).not.toBe(first.userId)
    expect(await say({ sender: 'id' })).toEqual(first)
  })

  test('are those of somebody else in another thread, as before', async () => {
    const { say } = await setUp()
    const [one, two] = [await say({ sender: PHONE, thread: 'a' }), await say({ sender: PHONE, thread: 'b' })]
    expect(await say({ sender: 'id', aliases: [phone], thread: 'b' })).toEqual(two)
    expect(await say({ sender: 'id', thread: 'a' })).toEqual(one)
    const three = await say({ sender: 'id', thread: 'c' })
    expect([three.userId, await say({ sender: PHONE, thread: 'c' })]).toEqual([one.userId, three])
  })

  test('make one user of two that are one person: the younger is merged into the older', async () => {
    const { say, people, merged, hub, client, ids } = await setUp()
    const older = await say({ sender: 'id', person: { name: 'Ada' } })
    const younger = await say({ sender: PHONE, person: { name: 'A.', phone: PHONE } })
    expect(younger.userId).not.toBe(older.userId)
    expect(await say({ sender: 'id', aliases: [phone] })).toEqual(older)
    expect(await people()).toEqual([older.userId])
    expect(await merged()).toEqual([[younger.userId, older.userId]])
    expect(await say({ sender: PHONE })).toEqual(older)
    const user = await hub.users.view(await client(), younger.userId)
    expect([user.id, user.data]).toEqual([older.userId, { name: 'Ada', phone: PHONE }])
    const talks = await hub.conversations.listByUser(await client(), younger.userId, { limit: 10 })
    expect(new Set(ids(talks))).toEqual(new Set([older.conversationId, younger.conversationId]))
    expect(talks.map(({ userId }) => userId)).toEqual([older.userId, older.userId])
  })

  test('leave the older user its default conversation', async () => {
    const { say, hub, client } = await setUp()
    const { participants, conversations } = hub
    const older = await say({ sender: 'id' })
    const younger = await say({ sender: PHONE })
    const claim = async (userId: Id) => {
      const { id } = await conversations.create(await client(), { userId })
      return participants.claimDefault(await client(), userId, id)
    }
    expect(await claim(younger.userId)).toBe(younger.conversationId)
    await say({ sender: 'id', aliases: [phone] })
    for (const { userId } of [older, younger])
      expect(await participants.defaultOf(await client(), userId)).toBe(older.conversationId)
  })

  test('keep the tokens of both users working', async () => {
    const { say, hub, client } = await setUp()
    const { users } = hub
    const both = [await say({ sender: 'id' }), await say({ sender: PHONE })]
    const tokens = await Promise.all(
      both.map(async ({ userId }) => [userId, await users.createToken(await client(), userId)] as const),
    )
    await say({ sender: 'id', aliases: [phone] })
    for (const [userId, token] of tokens) {
      expect(users.isToken(await client(), userId, token)).toBe(true)
      const later = await users.createToken(await client(), userId)
      expect(users.isToken(await client(), userId, later)).toBe(true)
    }
    const [[one], [, token]] = tokens as [(typeof tokens)[0], (typeof tokens)[0]]
    expect(users.isToken(await client(), one, token)).toBe(false)
  })

  test('merge chains of users, and whoever posts as a merged one posts as the oldest', async () => {
    const { say, people, hub, client } = await setUp()
    const users = [await say({ sender: 'a' }), await say({ sender: 'b' }), await say({ sender: 'c' })]
    const [a, b, c] = users as [Said, Said, Said]
    await say({ sender: 'c', aliases: ['b'] })
    await say({ sender: 'b', aliases: ['a'] })
    expect(await people()).toEqual([a.userId])
    for (const { userId } of [b, c]) expect((await hub.users.get(await client(), userId)).id).toBe(a.userId)
    const message = await hub.messages.post(await client(), {
      ...{ conversationId: c.conversationId, author: { userId: c.userId } },
      payload: { type: 'text', text: 'hi' },
    })
    expect(message.author).toEqual({ userId: a.userId })
    await hub.participants.assertMember(await client(), b.conversationId, c.userId)
  })

  test('never merge two people by a telephone number: it goes with the newest id', async () => {
    const { say, people } = await setUp()
    const old = await say({ sender: 'old id', aliases: [phone] })
    const next = await say({ sender: 'new id', aliases: [phone] })
    expect(next.userId).not.toBe(old.userId)
    expect(await say({ sender: PHONE })).toEqual(next)
    expect(await say({ sender: 'old id' })).toEqual(old)
    expect((await people()).length).toBe(2)
  })

  test('are somebody new at a number that the provider reports as given up', async () => {
    const { say, tell, people } = await setUp()
    const first = await say({ sender: PHONE })
    const other = await say({ sender: '+1999' })
    const rename: Deed = { type: 'renamed', sender: PHONE, to: { sender: '+1999' } }
    await tell(rename)
    expect(await say({ sender: '+1999' })).toEqual(first)
    await tell(rename)
    expect(await say({ sender: '+1999' })).toEqual(first)
    const stranger = await say({ sender: PHONE })
    expect(new Set([first, other, stranger].map(({ userId }) => userId)).size).toBe(3)
    await tell(rename)
    expect(await say({ sender: PHONE })).toEqual(stranger)
    expect(await say({ sender: '+1999' })).toEqual(first)
    expect((await people()).length).toBe(3)
  })

  test('get messages where the person wrote last, also those of old conversations', async () => {
    const { say, tell, reply, sent } = await setUp()
    const old = await say({ sender: PHONE, thread: 'old' })
    await reply(old)
    expect(await sent(1)).toEqual([{ identity: '*', sender: PHONE, thread: 'old' }])
    await say({ sender: 'id', aliases: [phone] })
    await reply(old)
    expect((await sent(2))[1]).toMatchObject({ sender: 'id', thread: 'old' })
    await tell({ type: 'renamed', sender: 'id', to: { sender: 'newer' } })
    await reply(old)
    expect((await sent(3))[2]).toMatchObject({ sender: 'newer' })
  })

  test('are forgotten with their user', async () => {
    const { say, hub, client, documents } = await setUp()
    const { userId } = await say({ sender: 'id', aliases: [phone] })
    expect(await documents()).toBeGreaterThan(0)
    await hub.participants.deleteUser(await client(), userId)
    expect(await documents()).toBe(0)
    expect((await say({ sender: PHONE })).userId).not.toBe(userId)
  })

  test('that are hostile are left out', async () => {
    const { say } = await setUp()
    const first = await say({
      sender: 'id',
      aliases: ['', '\0', '\ud800', 'x'.repeat(10_000), 7 as never, 'id'],
    })
    expect(await say({ sender: 'id', aliases: Array.from({ length: 500 }, (_, i) => `${i}`) })).toEqual(first)
    expect(await say({ sender: '9' })).toEqual(first)
    expect((await say({ sender: '10' })).userId).not.toBe(first.userId)
  })
})

describe('the address of a room', () => {
  test('may change, and the conversations of all its members go on', async () => {
    const { say, tell, reply, sent } = await setUp()
    const [ada, ben] = [
      await say({ sender: 'ada', thread: 'old' }),
      await say({ sender: 'ben', thread: 'old' }),
    ]
    for (let i = 0; i < 2; i += 1) {
      await tell({ type: 'renamed', sender: 'ada', thread: 'old', to: { thread: 'new' } })
      expect(await say({ sender: 'ada', thread: 'new' })).toEqual(ada)
      expect(await say({ sender: 'ben', thread: 'new' })).toEqual(ben)
      expect(await say({ sender: 'ben', thread: 'old' })).toEqual(ben)
    }
    const carl = await say({ sender: 'carl', thread: 'new' })
    expect(await say({ sender: 'carl', thread: 'new' })).toEqual(carl)
    await reply(ben)
    await reply(carl)
    expect((await sent(2)).map(({ thread }) => thread)).toEqual(['new', 'new'])
  })

  test('that a provider reports while it takes a message is remembered', async () => {
    const { say, reply, sent, moves } = await setUp()
    const ada = await say({ sender: 'ada', thread: 'old' })
    moves.set('old', { identity: '*', sender: 'ada', thread: 'new' })
    await reply(ada)
    await sent(1)
    await reply(ada)
    expect((await sent(2)).map(({ thread }) => thread)).toEqual(['old', 'new'])
    expect(await say({ sender: 'ada', thread: 'new' })).toEqual(ada)
  })
})

describe('the chat with a person who has not written', () => {
  const chat = { identity: '*', sender: 'ada', thread: 'chat' }

  test('goes on where the person answers, and everything else goes there too', async () => {
    const { say, reply, sent, moves, place } = await setUp()
    const ada = await place({ sender: 'ada', thread: '*' })
    const ben = await place({ sender: 'ben', thread: '*' })
    moves.set('*', chat)
    await reply(ada)
    await sent(1)
    moves.clear()
    await reply(ada)
    await reply(ben)
    const threads = (await sent(3)).map(({ sender, thread }) => `${sender} ${thread}`).sort()
    expect(threads).toEqual(['ada *', 'ada chat', 'ben *'])
    expect(await say({ sender: 'ada', thread: 'chat' })).toEqual(ada)
    expect(await place({ sender: 'ada', thread: '*' })).toEqual(ada)
    expect(await place({ sender: 'ben', thread: '*' })).toEqual(ben)
  })

  test('is the one that the person has, if there is one', async () => {
    const { say, reply, sent, moves, place } = await setUp()
    const before = await say({ sender: 'ada', thread: 'chat' })
    const other = await place({ sender: 'ada', thread: '*' })
    moves.set('*', chat)
    await reply(other)
    await sent(1)
    await expect.poll(() => place({ sender: 'ada', thread: '*' })).toEqual(before)
    expect(await say({ sender: 'ada', thread: 'chat' })).toEqual(before)
  })

  test('is forgotten with the person', async () => {
    const { reply, moves, place, hub, client, documents } = await setUp()
    const ada = await place({ sender: 'ada', thread: '*' })
    moves.set('*', chat)
    await reply(ada)
    await expect.poll(documents).toBe(3)
    await expect.poll(() => place({ sender: 'ada', thread: 'chat' })).toEqual(ada)
    await hub.participants.deleteUser(await client(), ada.userId)
    expect(await documents()).toBe(0)
  })
})

describe('events of one person', () => {
  test('in any order, from three processes, are of one user, and none is lost or out of order', async () => {
    const { hubs, shared } = processes
    await fc.assert(
      fc.asyncProperty(writings, fc.scheduler(), async (written, s) => {
        links.schedule = (call) => s.schedule(Promise.resolve()).then(call)
        const record = recordOf()
        record.integrations = [integrationOf(record.id)]
        await shared.store.insertClient(record)
        const told = hubs.map(async (hub, process) => {
          for (const [i, { way, thread, ...each }] of written.entries())
            if (each.process === process) await tellTo(hub, record.id, { ...way, thread, text: `${i}` })
        })
        await s.waitFor(Promise.all(told))
        links.schedule = undefined
        const [hub] = hubs as [Hub]
        // That both are one person is known in the end.
        await tellTo(hub, record.id, { ...byBoth, text: `${written.length}` })
        const entries = await entriesOf(shared.store, record.id)
        await expectOnePerson(shared.store, record.id, entries, [...written, { process: 0 }])
        // Whichever comes next is in the same conversation.
        const places = new Set<Id>()
        for (const [i, way] of ways.entries()) {
          await tellTo(hub, record.id, { ...way, text: `next ${i}` })
          const [newest] = (await entriesOf(shared.store, record.id)).filter(
            ({ payload }) => parseJsonObject(payload).text === `next ${i}`,
          )
          places.add(newest?.streamId as Id)
        }
        expect(places.size).toBe(1)
        while (!(await shared.store.purgeClient(record.id, 10_000)));
      }),
    )
  }, 3_600_000)
})

describe('a user who is created while others write', () => {
  const byBothAddresses: Deed = { sender: PHONE, aliases: ['id', phone], text: '0' }
  const byPhone: Deed = { sender: PHONE, text: '1' }

  test('at an address that others do not use yet is the same person', async () => {
    const { one, other, tellOne, tellOther, expectOneIn } = await twoProcesses()
    const otherCreates = other.hold('mapEndpoint')
    const second = tellOther(byPhone)
    // Neither address is known to anybody.
    await otherCreates.reached
    const oneCreates = one.hold('mapEndpoint')
    const first = tellOne(byBothAddresses)
    await oneCreates.reached
    otherCreates.release()
    await second
    oneCreates.release()
    await first
    await expectOneIn([0, 1])
  })

  test('at an address that was just looked up is the same person', async () => {
    const { one, other, tellOne, tellOther, expectOneIn } = await twoProcesses()
    const otherCreates = other.hold('mapEndpoint')
    const second = tellOther(byPhone)
    await otherCreates.reached
    const oneKnows = one.hold('replaceDocument', isLookedUp)
    const first = tellOne(byBothAddresses)
    await oneKnows.reached
    const otherJoins = other.hold('replaceDocument')
    otherCreates.release()
    await otherJoins.reached
    const otherLooks = other.hold('findDocument')
    otherJoins.release()
    await otherLooks.reached
    oneKnows.release()
    await first
    otherLooks.release()
    await second
    await expectOneIn([0, 1])
  })

  /** Processes of a client that nobody has written to. The text of a deed is its number. */
  async function twoProcesses() {
    const { shared } = processes
    const record = recordOf()
    record.integrations = [integrationOf(record.id)]
    await shared.store.insertClient(record)
    const [one, other] = [new HeldStore(shared.open()), new HeldStore(shared.open())]
    const hubs = [one, other].map(({ store }) => openHub(store, [channel()])) as [Hub, Hub]
    const [tellOne, tellOther] = hubs.map((hub) => (deed: Deed) => tellTo(hub, record.id, deed)) as [
      (deed: Deed) => Promise<void>,
      (deed: Deed) => Promise<void>,
    ]
    return {
      ...{ one, other, tellOne, tellOther },
      async expectOneIn(told: readonly number[]) {
        const { length } = told
        const check = async (by: readonly number[]) =>
          expectOnePerson(
            ...([shared.store, record.id, await entriesOf(shared.store, record.id)] as const),
            by.map((process) => ({ process })),
          )
        await check(told)
        await tellOne({ ...byBoth, text: `${length}` })
        await check([...told, 0])
        await Promise.all(hubs.map((hub) => hub.stop(1000)))
        while (!(await shared.store.purgeClient(record.id, 10_000)));
      },
    }
  }
})

describe('a process that ends while it merges two users', () => {
  test('at any step leaves nothing that the next event and housekeeping do not finish', async () => {
    const { shared } = processes
    let steps = 0
    let isDone = false
    for (let last = 1; !isDone; last += 1) {
      const record = recordOf()
      record.integrations = [integrationOf(record.id)]
      await shared.store.insertClient(record)
      const link = { left: Number.POSITIVE_INFINITY }
      const dying = openHub(endingAfter(shared.open(), link), [channel()])
      const hub = openHub(shared.open(), [channel()])
      const client = (await hub.clients.find({ id: record.id })) as ClientView
      const userOf = async (sender: string): Promise<Id> => {
        const at = { identity: '*', sender, thread: '*' }
        await tellTo(hub, record.id, { sender, text: sender })
        return (await hub.endpoints.conversationOf(client, { name: 'acme', custom: false }, at)).userId
      }
      const [older, younger] = [await userOf('id'), await userOf(PHONE)]
      const externalId = { namespace: 'test', value: 'ada' }
      await hub.users.change(client, older, (facts) => ({ ...facts, metadata: { a: 1 } }))
      await hub.users.change(client, younger, (facts) => ({
        ...{ ...facts, externalId, email: 'a@example.org', metadata: { a: 2, b: 3 } },
      }))
      const group = await hub.conversations.create(client, { facts: { isGroup: true } })
      await hub.participants.join(client, group.id, younger)
      // What ended is told again, to another process.
      const deed: Deed = { sender: 'id', aliases: [phone], text: 'both' }
      await dying.clients.find({ id: record.id })
      link.left = last
      isDone = await tellTo(dying, record.id, deed).then(
        () => true,
        () => false,
      )
      steps += 1
      link.left = 0
      await tellTo(hub, record.id, deed)
      const later = { now: () => new Date(Date.now() + 120_000) }
      const merges = new Merges({
        ...{ store: shared.store, users: hub.users, participants: hub.participants, ...later },
        dispatcher: {
          claiming: (_: unknown, write: unknown) => write,
          appended: () => undefined,
          userMerged: () => undefined,
        } as never,
        directory: { find: async () => client } as never,
      })
      await merges.sweep(() => true)
      const view = await hub.users.view(client, younger)
      expect(view).toMatchObject({
        id: older,
        facts: { externalId, email: 'a@example.org', metadata: { a: 1, b: 3 } },
      })
      expect((await hub.users.getExternal(client, externalId)).id).toBe(older)
      const { participants = [] } = (await hub.conversations.view(client, group.id)).facts
      expect(participants.map(({ userId }) => userId)).toEqual([older])
      const entries = await entriesOf(shared.store, record.id)
      expect(entries.filter(({ type }) => type === 'user.merged')).toHaveLength(1)
      const talks = await hub.participants.walk(client, younger, { limit: 10 })
      expect(talks.filter(({ facts }) => !facts.isGroup).map(({ userId }) => userId)).toEqual([older, older])
      expect(await shared.store.listDocuments(NO_CLIENT, 'merge', { limit: 10 })).toEqual([])
      await Promise.all([dying, hub].map((each) => each.stop(1000)))
      while (!(await shared.store.purgeClient(record.id, 10_000)));
    }
    expect(steps).toBeGreaterThan(15)
  }, 60_000)
})

interface Said {
  userId: Id
  conversationId: Id
}

/** Lets a property decide in which order the calls of all processes reach the store. */
const links: { schedule?: ((call: () => Promise<unknown>) => Promise<unknown>) | undefined } = {}

const linked = (store: Store): Store =>
  new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function' || name === 'watch' || name === 'close' || name === 'claimDue')
        return member
      return (...input: unknown[]) => {
        const call = async () => Reflect.apply(member, target, input) as unknown
        return links.schedule ? links.schedule(call) : call()
      }
    },
  })

/** A store that holds back one call at a time. */
class HeldStore {
  readonly store: Store
  #next: ((name: string | symbol, input: unknown[]) => Promise<void> | undefined) | undefined

  constructor(store: Store) {
    this.store = new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        return async (...input: unknown[]) => {
          await this.#next?.(name, input)
          return Reflect.apply(member, target, input) as unknown
        }
      },
    })
  }

  /** `reached` resolves when the next such call is held back. */
  hold(method: string, isIt: (input: unknown[]) => boolean = () => true) {
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const reached = new Promise<void>((resolve) => {
      this.#next = (name, input) => {
        if (name !== method || !isIt(input)) return undefined
        this.#next = undefined
        resolve()
        return released
      }
    })
    return { reached, release }
  }
}

/** Whether a write of a party says that the users at its addresses were looked up. */
const isLookedUp = ([document]: unknown[]): boolean => !JSON.stringify(document).includes('isNew')

/** A store whose process ends after so many calls. */
const endingAfter = (store: Store, link: { left: number }): Store =>
  new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function' || name === 'watch' || name === 'close') return member
      return async (...input: unknown[]) => {
        link.left -= 1
        if (link.left < 0) throw new Error('the process has ended')
        return Reflect.apply(member, target, input)
      }
    },
  })

const deliveries: { clientId: string; endpoint: Endpoint }[] = []
const moves = new Map<string, Endpoint>()

const channel = () =>
  acmeChannel(
    {
      parse: ({ body }) => ({ events: [eventIn(body)], response: { status: 200 } }),
      async deliver(_, { endpoint, integration: { clientId } }) {
        deliveries.push({ clientId, endpoint })
        const movedTo = moves.get(endpoint.thread)
        return { providerMessageIds: [], ...(movedTo && { movedTo }) }
      },
    },
    undefined,
    { content: 'any', maxTextLength: 100, renames: ['sender', 'thread'] },
  )

function eventIn(body: Uint8Array): InboundEvent {
  const {
    sender,
    aliases,
    thread = '*',
    text = 'hi',
    person,
    to,
    type = 'message',
    key,
  } = JSON.parse(Buffer.from(body).toString()) as Deed & { key: string }
  const endpoint = { identity: '*', sender, thread }
  const about = {
    ...{ dedupeKey: key, endpoint, at: new Date() },
    ...(aliases && { aliases: aliases.map((each) => (typeof each === 'string' ? { sender: each } : each)) }),
    ...(person && { person }),
  }
  if (type === 'renamed') return { ...about, type, to: { ...endpoint, ...to } }
  if (type === 'reaction') return { ...about, type, messageKey: 'none', emoji: '+', isRemoved: false }
  return { ...about, type, content: { type: 'text', text } }
}

async function tellTo(hub: Hub, clientId: Id, deed: Deed): Promise<void> {
  const client = await hub.clients.find({ id: clientId })
  const body = Buffer.from(JSON.stringify({ ...deed, key: newId() }))
  await hub.ingest.receive(client as ClientView, 'acme', {
    ...{ method: 'POST', publicUrl: 'https://hub.example', headers: {}, body },
  })
}

async function entriesOf(store: Store, clientId: Id): Promise<Entry[]> {
  const streams = processes.shared.database.streams().filter((stream) => stream.clientId === clientId)
  const pages = await Promise.all(streams.map((stream) => store.readEntries(stream, 0, 1000)))
  return pages.flat()
}

const processes = (() => {
  const shared = new SharedStore()
  const hubs = [0, 1, 2].map(() => openHub(linked(shared.open()), [channel()]))
  return { shared, hubs }
})()

afterAll(async () => {
  await Promise.all(processes.hubs.map((hub) => hub.stop(1000)))
})

/** A client of its own, whose channel tells what the test says. */
async function setUp() {
  const { shared, hubs } = processes
  const [hub] = hubs as [Hub]
  const record = recordOf()
  record.integrations = [integrationOf(record.id)]
  await shared.store.insertClient(record)
  moves.clear()
  const client = async () => (await hub.clients.find({ id: record.id })) as ClientView
  const tell = (deed: Deed) => tellTo(hub, record.id, deed)
  const newestOf = async (text: string): Promise<Said> => {
    const found = (await entriesOf(shared.store, record.id)).find(({ payload }) => payload.includes(text))
    const author = found?.author
    if (!found || typeof author !== 'object') throw new Error('nothing was said')
    return { userId: author.userId, conversationId: found.streamId }
  }
  return {
    ...{ hub, client, tell, moves },
    async say(deed: Deed): Promise<Said> {
      const text = newId()
      await tell({ ...deed, text })
      return newestOf(text)
    },
    /** The conversation of an address. */
    async place({ sender, thread }: { sender: string; thread: string }): Promise<Said> {
      const channel = { name: 'acme', custom: false }
      const at = { identity: '*', sender, thread }
      const { userId, conversationId } = await hub.endpoints.conversationOf(await client(), channel, at)
      return { userId, conversationId }
    },
    async reply({ conversationId }: Said) {
      const payload = { type: 'text', text: 'reply' }
      await hub.messages.post(await client(), { conversationId, author: 'business', payload })
    },
    /** Where messages were sent, once there are so many. */
    async sent(count: number): Promise<Endpoint[]> {
      const own = () => deliveries.filter(({ clientId }) => clientId === record.id)
      await expect.poll(() => own().length).toBe(count)
      return own().map(({ endpoint }) => endpoint)
    },
    /** The users that are not merged into another. */
    async people(): Promise<Id[]> {
      const ids = (await entriesOf(shared.store, record.id)).flatMap((entry) =>
        entry.type === 'user.new' ? entry.streamId : [],
      )
      const found = await Promise.all(ids.map((id) => shared.store.findUser(record.id, id)))
      return [...new Set(found.flatMap((user) => user?.id ?? []))]
    },
    async merged(): Promise<[Id, Id][]> {
      return (await entriesOf(shared.store, record.id)).flatMap((entry): [Id, Id][] =>
        entry.type === 'user.merged' ? [[entry.streamId, parseJsonObject(entry.payload).into as Id]] : [],
      )
    },
    async documents(): Promise<number> {
      const lists = ['party', 'address'].map((name) =>
        shared.store.listDocuments(record.id, name, { limit: 100 }),
      )
      return (await Promise.all(lists)).flat().length
    },
    ids: (items: readonly { id: Id }[]) => items.map(({ id }) => id),
  }
}
