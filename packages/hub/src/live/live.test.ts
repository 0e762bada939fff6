import { type Id, newId } from '@plugboard/core'
import fc, { type Stream } from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { recordOf } from '../../test/support/clients.js'
import { openHub, SharedStore } from '../../test/support/hub.js'
import type { ClientView } from '../clients/directory.js'
import type { Hub } from '../hub.js'
import type { Store } from '../ports/store.js'
import { memoryDatabase } from '../testing/memory-store.js'
import { type LiveEvent, type LivePage, type LiveScope, seqOfPosition } from './live-event.js'

const ways = [
  ['notified', true],
  ['polling', false],
] as const

describe.each(ways)('a follower of a conversation, where the store is %s', (_, isNotified) => {
  test('gets what is posted from then on, by this process and by another', async () => {
    const { a, b, talk } = await setUp(isNotified)
    await a.say(talk, 'before')
    const reader = a.follow({ conversationId: talk })
    await reader.begun
    await a.say(talk, 'one')
    await b.say(talk, 'two')
    await reader.texts(['one', 'two'])
  })

  test('continues after the position that it names, whichever process gave it', async () => {
    const { a, b, talk } = await setUp(isNotified)
    for (const text of ['one', 'two', 'three']) await a.say(talk, text)
    const first = a.follow({ conversationId: talk }, '0')
    await first.texts(['one', 'two', 'three'])
    const [, two] = first.messages()
    first.end()
    await b.follow({ conversationId: talk }, two?.position).texts(['three'])
  })

  test('ends after the deletion of the conversation', async () => {
    const { a, b, client, talk } = await setUp(isNotified)
    const reader = a.follow({ conversationId: talk })
    await reader.begun
    await b.hub.conversations.delete(await client(b.hub), talk)
    await reader.over
    expect(reader.types().at(-1)).toBe('conversation.deleted')
  })
})

describe.each(ways)('the feed of a client, where the store is %s', (_, isNotified) => {
  test('has the events of all conversations, and that of a user those of the user', async () => {
    const { a, b, client, talk, userId } = await setUp(isNotified)
    const other = await a.converse()
    const whole = a.follow({ client: true })
    const own = b.follow({ userId })
    await Promise.all([whole.begun, own.begun])
    await a.say(talk, 'one')
    await b.say(other, 'two')
    await b.say(talk, 'three')
    await whole.texts(expect.toSatisfy((texts: string[]) => texts.length === 3))
    expect([...textsOf(whole.events)].sort()).toEqual(['one', 'three', 'two'])
    await own.texts(['one', 'three'])
    expect(own.messages().map((event) => event.userId)).toEqual([userId, userId])
    await b.hub.users.setData(await client(b.hub), userId, { name: 'Ann' })
    await vi.waitFor(() => expect(own.types()).toContain('user.updated'), 3000)
  })

  test('continues after the position that it gave, at either process', async () => {
    const { a, b, talk } = await setUp(isNotified)
    const first = a.follow({ client: true })
    await first.begun
    await a.say(talk, 'one')
    await b.say(talk, 'two')
    await first.texts(['one', 'two'])
    first.end()
    await a.say(talk, 'three')
    const [one] = first.messages()
    await b.follow({ client: true }, one?.position).texts(['two', 'three'])
  })
})

test('a position of a feed that is no longer kept is answered with the oldest one, and one of another feed is refused', async () => {
  const { a, talk, client } = await setUp(true)
  const first = a.follow({ client: true })
  await first.begun
  for (const text of ['one', 'two', 'three']) await a.say(talk, text)
  await first.texts(['one', 'two', 'three'])
  const [one, two] = first.messages()
  const queueId = (await client(a.hub)).webhooks[0]?.id as Id
  await a.store.purgeQueue((await client(a.hub)).id, queueId, new Date(Date.now() + 1000), 2)
  const late = a.follow({ client: true }, one?.position)
  await late.texts(['three'])
  expect(late.pages[0]).toEqual({ reset: { oldest: two?.position } })
  const other = await setUp(true)
  for (const after of [one?.position, '0', '', 'x', 'AAAA'])
    await expect(other.a.follow({ client: true }, after).begun).rejects.toMatchObject({ code: 'INVALID' })
})

describe.each(ways)(
  'the conversation of a user who turns out to be another, where the store is %s',
  (_, isNotified) => {
    test.each(['a', 'b'] as const)('is followed by the other user, when %s merges them', async (by) => {
      const { a, b, client, userId } = await setUp(isNotified)
      const guest = await a.converse()
      const { userId: guestId = '' } = await a.hub.conversations.get(await client(a.hub), guest)
      const feeds = [a.follow({ userId }), b.follow({ userId })]
      await Promise.all(feeds.map(({ begun }) => begun))
      const heard: LiveEvent[][] = [[], []]
      for (const [i, { hub }] of [a, b].entries())
        await hub.live.watchUser(await client(hub), userId, {
          event: (event) => heard[i]?.push(event),
          ended: () => undefined,
        })
      await a.say(guest, 'before')
      await b.say(guest, 'before')
      await settled()
      const { hub } = { a, b }[by]
      await hub.merges.merge(await client(hub), userId, guestId as Id)
      await a.say(guest, 'one')
      await b.say(guest, 'two')
      for (const feed of feeds) await feed.texts(['one', 'two'])
      const news = () => heard.map((events) => textsOf(events).filter((text) => text !== 'before'))
      await vi.waitFor(
        () =>
          expect(news()).toEqual([
            ['one', 'two'],
            ['one', 'two'],
          ]),
        3000,
      )
    })
  },
)

test('what is removed from a feed while a follower resumes is told, and not just left out', async () => {
  const { a, talk, client } = await setUp(true)
  const first = a.follow({ client: true })
  await first.begun
  for (const text of ['one', 'two', 'three', 'four']) await a.say(talk, text)
  await first.texts(['one', 'two', 'three', 'four'])
  const [one, , three] = first.messages()
  const { readQueue } = a.store
  const { id, webhooks } = await client(a.hub)
  let isFirst = true
  a.store.readQueue = async (...of) => {
    if (isFirst && of[2].after < 4) {
      isFirst = false
      await a.store.purgeQueue(id, webhooks[0]?.id as Id, new Date(Date.now() + 1000), 3)
    }
    return readQueue(...of)
  }
  const late = a.follow({ client: true }, one?.position)
  await late.texts(['four'])
  expect(late.pages).toContainEqual({ reset: { oldest: three?.position } })
})

test('typing comes to those who follow the client and the user', async () => {
  const { a, b, talk, client, userId } = await setUp(true)
  const other = await a.converse()
  const [whole, own] = [a.follow({ client: true }), b.follow({ userId })]
  await Promise.all([whole.begun, own.begun])
  await a.hub.typing.show(await client(a.hub), other, 'business', true)
  await b.hub.typing.show(await client(b.hub), talk, 'business', true)
  const places = (events: readonly LiveEvent[]) =>
    events.flatMap((event) => ('ephemeral' in event ? [event.ephemeral.conversationId] : []))
  await vi.waitFor(() => expect(places(whole.events).sort()).toEqual([talk, other].sort()))
  await vi.waitFor(() => expect(places(own.events)).toEqual([talk]))
})

test('a user who is watched is watched in all conversations, in order, also in those that begin later', async () => {
  const { a, b, talk, client, userId } = await setUp(true)
  await a.say(talk, 'before')
  const events: LiveEvent[] = []
  const stop = await a.hub.live.watchUser(await client(a.hub), userId, {
    event: (event) => events.push(event),
    ended: () => undefined,
  })
  await b.say(talk, 'one')
  const other = await b.hub.conversations.create(await client(b.hub), { userId })
  await b.say(other.id, 'in the other')
  await a.say(talk, 'two')
  await a.hub.typing.show(await client(a.hub), talk, 'business', true)
  await vi.waitFor(() => expect(textsOf(events).sort()).toEqual(['in the other', 'one', 'two']))
  expect(textsOf(events.filter((event) => 'entry' in event && event.entry.streamId === talk))).toEqual([
    'one',
    'two',
  ])
  expect(events.filter((event) => 'ephemeral' in event)).toHaveLength(1)
  stop()
  await b.say(talk, 'after')
  await b.say(talk, 'and after')
  await settled()
  expect(textsOf(events)).toHaveLength(3)
})

test('the watch of a user polls where the store is not notified', async () => {
  const { a, b, talk, client, userId } = await setUp(false)
  const events: LiveEvent[] = []
  await a.hub.live.watchUser(await client(a.hub), userId, {
    event: (event) => events.push(event),
    ended: () => undefined,
  })
  await b.say(talk, 'one')
  await vi.waitFor(() => expect(textsOf(events)).toEqual(['one']), 3000)
})

describe('what runs on the token of a user ends', () => {
  const endings = {
    'when its tokens are revoked': (hub: Hub, client: ClientView, userId: Id) =>
      hub.users.revokeTokens(client, userId),
    'when it is deleted': (hub: Hub, client: ClientView, userId: Id) => hub.users.delete(client, userId),
  }
  for (const [name, end] of Object.entries(endings))
    test.each(['a', 'b'] as const)(`${name}, by process %s`, async (by) => {
      const { a, client, userId, ...others } = await setUp(true)
      const ended = vi.fn()
      await a.hub.live.watchEnd(await client(a.hub), userId, ended)
      const { hub } = { a, ...others }[by]
      await end(hub, await client(hub), userId)
      await vi.waitFor(() => expect(ended).toHaveBeenCalled())
    })
})

test('typing comes to the followers in all processes, without a position, and to nobody later', async () => {
  const { a, b, talk, client, userId } = await setUp(true)
  const readers = [a.follow({ conversationId: talk }), b.follow({ conversationId: talk })]
  for (const reader of readers) await reader.begun
  await b.hub.typing.show(await client(b.hub), talk, 'business', true)
  for (const reader of readers)
    await vi.waitFor(() =>
      expect(reader.events).toEqual([
        {
          ephemeral: { conversationId: talk, activity: { type: 'typing', isTyping: true } },
          ...{ userId, channel: 'messaging' },
        },
      ]),
    )
  await a.say(talk, 'one')
  const late = a.follow({ conversationId: talk }, '0')
  await late.texts(['one'])
  expect(late.events.some((event) => 'ephemeral' in event)).toBe(false)
})

test('activities are stored from the first follower on, and typing is not', async () => {
  const { a, talk, client } = await setUp(true)
  await a.hub.participants.read(await client(a.hub), talk, 'business')
  const reader = a.follow({ conversationId: talk }, '0')
  await reader.begun
  await a.hub.participants.read(await client(a.hub), talk, 'business')
  await a.hub.typing.show(await client(a.hub), talk, 'business', true)
  await a.say(talk, 'one')
  await reader.texts(['one'])
  expect(reader.types()).toEqual(['conversation.new', 'activity', 'message'])
})

describe('a position', () => {
  test.each(['', 'x', '-1', '01', '1.5', '1e3', ' 1', '9007199254740993', '0x1', '٣'])(
    '%j is refused',
    async (after) => {
      const { a, talk } = await setUp(true)
      await expect(a.follow({ conversationId: talk }, after).begun).rejects.toMatchObject({ code: 'INVALID' })
    },
  )

  test('is the number that it was made of', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (seq) => seqOfPosition(String(seq)) === seq))
  })

  test('of any other text is none', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const seq = seqOfPosition(text)
        return seq === undefined || String(seq) === text
      }),
    )
  })

  test('behind the end of the log, as after a restored backup, is answered with the oldest one and all that is kept', async () => {
    const { a, talk } = await setUp(true)
    await a.say(talk, 'one')
    const reader = a.follow({ conversationId: talk }, '99')
    await reader.texts(['one'])
    expect(reader.pages[0]).toEqual({ reset: { oldest: '0' } })
  })
})

test('a conversation of another client, or of none, is not found', async () => {
  const { a } = await setUp(true)
  const other = await setUp(true)
  for (const conversationId of [other.talk, newId()])
    await expect(a.follow({ conversationId }).begun).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('a process that stops ends its followers', async () => {
  const { a, talk } = await setUp(true)
  const reader = a.follow({ conversationId: talk })
  await reader.begun
  a.hub.live.close()
  await reader.over
  await a.follow({ conversationId: talk }).over
})

test('followers of one conversation share a read', async () => {
  const { a, talk, reads } = await setUp(true)
  const readers = Array.from({ length: 50 }, () => a.follow({ conversationId: talk }))
  for (const reader of readers) await reader.begun
  await settled()
  const before = reads()
  await a.say(talk, 'one')
  for (const reader of readers) await reader.texts(['one'])
  expect(reads() - before).toBeLessThan(5)
})

test('whatever interrupts readers while two processes post, each ends with exactly the log', async () => {
  const choices = fc.infiniteStream(fc.nat({ max: 9 }))
  await fc.assert(fc.asyncProperty(choices, interrupted), { numRuns: 15 })
}, 60_000)

async function interrupted(choices: Stream<number>): Promise<void> {
  const { a, b, talk, client, userId } = await setUp(true)
  const processes = [a, b] as const
  const scopes: LiveScope[] = [
    { conversationId: talk },
    { conversationId: talk },
    { userId },
    { client: true },
  ]
  const next = () => choices.next().value ?? 0
  const pick = () => processes[next() % 2 === 0 ? 0 : 1]
  const readers = scopes.map((scope) => ({
    scope,
    seen: [] as string[],
    position: undefined as string | undefined,
  }))
  const runs = scopes.map((scope) => pick().follow(scope))
  const take = (index: number): void => {
    const [run, reader] = [runs[index], readers[index]]
    if (!run || !reader) return
    reader.seen.push(...textsOf(run.events.splice(0)))
    const last = run.pages.at(-1)
    if (last && 'position' in last) reader.position = last.position
  }
  for (const [index, run] of runs.entries()) {
    await run.begun
    take(index)
  }
  for (let n = 0; n < 60; n += 1) {
    const index = next() % readers.length
    if (next() < 3) {
      runs[index]?.end()
      await runs[index]?.over.catch(() => undefined)
      take(index)
      const { scope = { client: true }, position } = readers[index] ?? {}
      runs[index] = pick().follow(scope, position)
    }
    if (next() < 2) await pick().hub.typing.show(await client(a.hub), talk, 'business', true)
    await Promise.all(Array.from({ length: next() % 3 }, (_, i) => pick().say(talk, `${n}-${i}`)))
  }
  await a.say(talk, 'the end')
  const log = textsOf((await a.store.readEntries(a.ref(talk), 0, 1000)).map((entry) => ({ ...EVENT, entry })))
  for (const index of readers.keys())
    await vi.waitFor(() => {
      take(index)
      expect(readers[index]?.seen).toEqual(log)
    }, 3000)
}

const EVENT = { endpoints: [], position: '' }

/** Waits long enough for background work to happen. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50))

const textsOf = (events: readonly LiveEvent[]): string[] =>
  events.flatMap((event) =>
    'entry' in event && event.entry.type === 'message'
      ? [(JSON.parse(event.entry.payload) as { text: string }).text]
      : [],
  )

/** Two processes on one store, and a conversation of a user. */
async function setUp(isNotified: boolean) {
  const record = recordOf()
  const database = memoryDatabase()
  const shared = new SharedStore()
  await (isNotified ? database.open() : shared.store).insertClient(record)
  let reads = 0
  const process = () => {
    const opened: Store = isNotified ? database.open() : shared.open()
    const store: Store = {
      ...opened,
      readEntries(...of) {
        reads += 1
        return opened.readEntries(...of)
      },
    }
    const hub = openHub(store, [])
    onTestFinished(() => hub.stop(1000))
    return processOf(hub, store, record.id)
  }
  const [a, b] = [process(), process()]
  const client = async (hub: Hub) => (await hub.clients.find({ id: record.id })) as ClientView
  const { id: userId } = await a.hub.users.create(await client(a.hub))
  const { id: talk } = await a.hub.conversations.create(await client(a.hub), { userId })
  return { a, b, client, userId, talk, reads: () => reads }
}

function processOf(hub: Hub, store: Store, clientId: Id) {
  const client = async () => (await hub.clients.find({ id: clientId })) as ClientView
  return {
    ...{ hub, store },
    ref: (streamId: Id) => ({ clientId, streamId }),
    async converse() {
      const { id: userId } = await hub.users.create(await client())
      return (await hub.conversations.create(await client(), { userId })).id
    },
    say: async (conversationId: Id, text: string) =>
      hub.messages.post(await client(), {
        conversationId,
        author: 'business',
        payload: { type: 'text', text },
      }),
    follow(scope: LiveScope, after?: string) {
      const stop = new AbortController()
      onTestFinished(() => stop.abort())
      const pages: LivePage[] = []
      const events: LiveEvent[] = []
      let begin = (_: unknown): void => undefined
      const begun = new Promise((resolve) => (begin = resolve))
      const run = async () => {
        const options = { signal: stop.signal, ...(after !== undefined && { after }) }
        for await (const page of hub.live.follow(await client(), scope, options)) {
          pages.push(page)
          if ('events' in page) events.push(...page.events)
          begin(undefined)
        }
      }
      const over = run()
      over.catch(() => undefined)
      return {
        ...{ pages, events, over },
        begun: Promise.race([begun, over]),
        end: () => stop.abort(),
        messages: () =>
          events.flatMap((event) => ('entry' in event && event.entry.type === 'message' ? [event] : [])),
        types: () => events.flatMap((event) => ('entry' in event ? [event.entry.type] : [])),
        texts: (expected: readonly string[]) =>
          vi.waitFor(() => expect(textsOf(events)).toEqual(expected), 3000),
      }
    },
  }
}
