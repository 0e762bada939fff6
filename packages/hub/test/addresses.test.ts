import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Id, newId, parseJsonObject } from '@plugboard/core'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Entry } from '../src/log/entry.js'
import type { Store } from '../src/ports/store.js'
import { memoryDatabase } from '../src/testing/memory-store.js'
import { integrationOf, recordOf } from './support/clients.js'
import { byBoth, expectOnePerson, type Writing, ways, writings } from './support/one-person.js'
import { StoreServer } from './support/store-server.js'

/** Persons, each with a random order of events: 10,000 in the long form. */
const PEOPLE = Math.max(100, fc.readConfigureGlobal()?.numRuns ?? 0)
/** Persons who write at the same time. */
const AT_ONCE = 16
/** Most milliseconds that a call of the store is held back, and how many of the calls are. */
const MAX_PAUSE_MS = 5
const PAUSED = 0.2

const program = fileURLToPath(new URL('./support/hub-process.mjs', import.meta.url))
const database = memoryDatabase()
const store = database.open()
/** Writes that lost to a concurrent one, by the method of the store. */
const lost = new Map<string, number>()

/** A process with a hub. All of them have one store, which is in this process. */
class HubProcess {
  readonly isReady: Promise<void>
  readonly #process: ChildProcess = fork(program, { serialization: 'advanced' })
  readonly #told = new Map<string, { resolve(): void; reject(error: Error): void }>()
  readonly #ended = new Promise((ended) => this.#process.once('exit', ended))

  constructor() {
    new StoreServer(counting(database.open()), this.#process, pause)
    this.isReady = new Promise((resolve, reject) => {
      this.#process.on('message', (message: { isReady?: true; told?: string; failed?: string }) => {
        if (message.isReady) resolve()
        if (message.told === undefined) return
        const waiting = this.#told.get(message.told)
        this.#told.delete(message.told)
        if (message.failed === undefined) waiting?.resolve()
        else waiting?.reject(new Error(message.failed))
      })
      this.#process.once('exit', (code) => {
        const error = new Error(`the process ended with ${code}`)
        reject(error)
        for (const waiting of this.#told.values()) waiting.reject(error)
      })
    })
  }

  /** Resolves when the provider would get its answer. */
  tell(clientId: Id, event: { dedupeKey: string }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#told.set(event.dedupeKey, { resolve, reject })
      this.#process.send({ tell: { clientId, event } })
    })
  }

  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.send({ stop: true })
    await this.#ended
  }
}

let processes: HubProcess[]
beforeAll(async () => {
  processes = [0, 1, 2].map(() => new HubProcess())
  await Promise.all(processes.map(({ isReady }) => isReady))
})
afterAll(async () => {
  await Promise.all(processes.map((each) => each.stop()))
})

async function pause(): Promise<void> {
  if (Math.random() < PAUSED) await wait(Math.random() * MAX_PAUSE_MS)
}

const WRITES = ['insertDocument', 'replaceDocument']

function counting(handle: Store): Store {
  const wrap = (method: string, write: (...input: unknown[]) => Promise<unknown>) => ({
    [method]: async (...input: unknown[]) => {
      const isWritten = await write(...input)
      if (!isWritten) lost.set(method, (lost.get(method) ?? 0) + 1)
      return isWritten
    },
  })
  return Object.assign({}, handle, ...WRITES.map((method) => wrap(method, Reflect.get(handle, method))))
}

const entriesOf = (clientId: Id): Entry[] =>
  database
    .streams()
    .filter((stream) => stream.clientId === clientId)
    .flatMap(({ entries }) => entries)

/** Writes in this order, through all processes at once. Each gets its events one after another. */
async function write(written: readonly Writing[]): Promise<void> {
  const record = recordOf()
  record.integrations = [integrationOf(record.id)]
  await store.insertClient(record)
  const tell = async ({ way, thread, process }: Writing, text: string) => {
    const event = {
      ...{ type: 'message', dedupeKey: newId(), endpoint: { identity: '*', sender: way.sender, thread } },
      ...{ content: { type: 'text', text }, ...(way.aliases && { aliases: way.aliases }) },
    }
    await processes[process]?.tell(record.id, event)
  }
  await Promise.all(
    processes.map(async (_, process) => {
      for (const [i, each] of written.entries()) if (each.process === process) await tell(each, `${i}`)
    }),
  )
  // That both are one person is known in the end.
  const last = { way: byBoth, thread: '*', process: 0 }
  await tell(last, `${written.length}`)
  await expectOnePerson(store, record.id, entriesOf(record.id), [...written, last])
  // Whichever comes next, and to whom, is in the same conversation.
  for (const [i, way] of ways.entries()) await tell({ way, thread: '*', process: i % 3 }, `next ${i}`)
  const next = entriesOf(record.id).filter(({ payload }) =>
    String(parseJsonObject(payload).text).startsWith('next'),
  )
  expect(next).toHaveLength(ways.length)
  expect(new Set(next.map(({ streamId }) => streamId)).size).toBe(1)
  while (!(await store.purgeClient(record.id, 10_000)));
}

// The seed repeats the orders; when each process gets its turn is up to the system.
const seed = Date.now() % 2 ** 31
test(`${PEOPLE} persons who write by telephone number, by id and by both, to three processes, are one user each (seed ${seed})`, async () => {
  const orders = fc.sample(writings, { seed, numRuns: PEOPLE }).values()
  const failures: unknown[] = []
  const writeNext = async () => {
    for (const order of orders) {
      if (failures.length > 0) return
      await write(order).catch((cause) => {
        failures.push(new Error(`one who wrote ${JSON.stringify(order)}`, { cause }))
      })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, writeNext))
  expect(failures).toEqual([])
  expect(lost.get('insertDocument')).toBeGreaterThan(PEOPLE / 10)
  expect(lost.get('replaceDocument')).toBeGreaterThan(PEOPLE / 10)
}, 3_600_000)
