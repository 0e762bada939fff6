import { afterAll, beforeAll, expect, inject, test } from 'vitest'

import { createClient, type TestClient } from '../support/api.js'
import {
  type CourierProvider,
  startCourierProvider,
  startProcessWithCouriers,
  startWithCouriers,
  tellEvents,
} from '../support/courier-channel.js'
import { firstsOf, forAll, type Listed, listAll, seeded } from '../support/fault-load.js'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { newDatabase } from '../support/replicas.js'
import { cleanUp, isSoak, type TestServer } from '../support/server.js'

/** Persons, each with a random order of events. */
const PEOPLE = isSoak ? 10_000 : 4
/** Persons who write at the same time. */
const AT_ONCE = 6
const PROCESSES = 3
/** A client may have few lists open. */
const LISTS_AT_ONCE = 2
/** By both, by telephone number, and by id, each told to another process. */
const LAST_KINDS = [2, 0, 1]
const DRAIN_MS = isSoak ? 600_000 : 20_000

let provider: CourierProvider
let bot: Receiver
let servers: TestServer[]
let client: TestClient
beforeAll(async () => {
  provider = await startCourierProvider()
  bot = await startReceiver()
  const env = { ...newDatabase(inject('mongodbUrl') ?? ''), RATE_LIMIT: '0' }
  const start = isSoak ? startProcessWithCouriers : startWithCouriers
  servers = await Promise.all(Array.from({ length: PROCESSES }, () => start(provider.url, env)))
  client = await createClient(serverAt(0), {
    channels: { courier: { version: '1.0.0', enabled: true, token: 'courier', account: 'a' } },
    webhooks: [{ url: bot.url }],
  })
}, 60_000)
afterAll(async () => {
  await provider.close()
  await cleanUp()
})

const serverAt = (index: number): TestServer => servers[index % PROCESSES] as TestServer

interface Told {
  text: string
  process: number
}

/** One person, who writes by telephone number, by id, and by both. */
class Person {
  readonly told: Told[] = []
  readonly #kinds: readonly { sender: string; aliases?: object[] }[]
  readonly #number: number

  constructor(number: number) {
    this.#number = number
    const [id, phone] = [{ sender: `ID.${number}` }, { sender: `+1555${number}`, isReassignable: true }]
    const aliases = [id, phone]
    this.#kinds = [
      { sender: phone.sender },
      { sender: id.sender },
      { sender: id.sender, aliases },
      { sender: phone.sender, aliases },
    ]
  }

  /** In any order, through all processes at once; each gets its events one after another. */
  async write(random: () => number): Promise<void> {
    const events = Array.from({ length: 2 + Math.floor(random() * 5) }, () => ({
      kind: Math.floor(random() * this.#kinds.length),
      thread: random() < 0.7 ? '*' : 'room',
      process: Math.floor(random() * PROCESSES),
    }))
    const of = (process: number) => events.filter((each) => each.process === process)
    await Promise.all(
      servers.map(async (_, process) => {
        for (const { kind, thread } of of(process)) await this.#tell(kind, thread, process)
      }),
    )
    // That both are one person is known in the end. Then whichever is used leads to the same place.
    for (const [process, kind] of LAST_KINDS.entries()) await this.#tell(kind, '*', process)
  }

  async #tell(kind: number, thread: string, process: number): Promise<void> {
    const text = `${this.#number} ${this.told.length}`
    this.told.push({ text, process })
    const { sender, aliases } = this.#kinds[kind] ?? { sender: '' }
    const { status } = await tellEvents(
      serverAt(process),
      { client: client.id, token: 'courier' },
      {
        ...{ type: 'message', dedupeKey: text, endpoint: { identity: '*', sender, thread } },
        ...{ content: { type: 'text', text }, ...(aliases && { aliases }) },
      },
    )
    expect(status).toBe(200)
  }

  /** Has one user, whose conversations have all that was told, in the order of each process. */
  async check(): Promise<void> {
    const placeOf = async (sender: string) => {
      const endpoint = { channel: { name: 'courier', version: '1.0.0' }, identity: '*', sender, thread: '*' }
      const { json } = await client.call('POST', '/endpoints/map', endpoint)
      return String(json.conversationId)
    }
    const [place, ...others] = await Promise.all(this.#kinds.map(({ sender }) => placeOf(sender)))
    for (const other of others) expect(other).toBe(place)
    const userId: string = (await client.call('GET', `/conversations/${place}`)).json.userId
    const conversations: { id: string; userId: string }[] = (
      await client.call('GET', `/conversations/user/${userId}`)
    ).json
    expect(new Set(conversations.map((each) => each.userId))).toEqual(new Set([userId]))
    const stored: (Listed & { authorId: string })[] = []
    for (const { id } of conversations) {
      const messages = (await listAll(client, id)) as (Listed & { authorId: string })[]
      stored.push(...messages)
      const texts = messages.map(({ payload }) => String(payload.text))
      for (const [process] of servers.entries()) {
        const own = this.told.filter((each) => each.process === process).map(({ text }) => text)
        const inOrder = own.filter((text) => texts.includes(text))
        expect(texts.filter((text) => own.includes(text))).toEqual(inOrder)
      }
      // As the bot heard it.
      expect(firstsOf(bot, id)).toEqual(texts)
    }
    expect(stored.map(({ payload }) => payload.text).sort()).toEqual(this.told.map(({ text }) => text).sort())
    const authors = [...new Set(stored.map(({ authorId }) => authorId))]
    for (const author of authors) expect((await client.call('GET', `/users/${author}`)).json.id).toBe(userId)
    const newest = stored.filter(({ conversationId }) => conversationId === place).slice(-LAST_KINDS.length)
    expect(newest.map(({ payload }) => payload.text)).toEqual(
      this.told.slice(-LAST_KINDS.length).map(({ text }) => text),
    )
  }
}

const seed = Date.now() % 2 ** 32

test(`${PEOPLE} persons who write from two addresses to three processes in any order are one user each (seed ${seed})`, async () => {
  const random = seeded(seed)
  const people = Array.from({ length: PEOPLE }, (_, number) => new Person(number))
  await forAll(people, (person) => person.write(random), AT_ONCE)
  const told = people.flatMap((person) => person.told.map(({ text }) => text))
  await expect.poll(() => firstsOf(bot).length, { timeout: DRAIN_MS, interval: 100 }).toBe(told.length)
  // What was under way is sent again with the same id.
  const idsOf = (type: string) => new Set(bot.ofType(type).map(({ headers }) => headers['webhook-id']))
  const left = () => idsOf('user.new').size - idsOf('user.merged').size
  await expect.poll(left, { timeout: DRAIN_MS, interval: 100 }).toBe(PEOPLE)
  const mergedUsers = bot.ofType('user.merged').map(({ json }) => json.data.mergedUserId)
  expect(new Set(mergedUsers).size).toBe(idsOf('user.merged').size)
  await forAll(people, (person) => person.check(), LISTS_AT_ONCE)
}, 21_600_000)
