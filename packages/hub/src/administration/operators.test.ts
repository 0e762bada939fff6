import { newId } from '@plugboard/core'
import fc from 'fast-check'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Store } from '../ports/store.js'
import { memoryDatabase } from '../testing/memory-store.js'
import { type Operator, Operators } from './operators.js'

const AT = '2026-11-22T08:00:00Z'

let operators: Operators
beforeEach(() => {
  operators = new Operators({ store: memoryDatabase().open(), now: () => new Date(AT) })
})

test('an operator is found by id, and by e-mail whatever its case', async () => {
  const ada = await operators.create({ email: 'Ada@Example.com', role: 'admin', passwordHash: 'h' })
  expect(ada).toMatchObject({ email: 'ada@example.com', createdAt: '2026-11-22T08:00:00.000Z' })
  expect(await operators.find({ id: ada.id })).toEqual(ada)
  expect(await operators.find({ email: 'ADA@example.com' })).toEqual(ada)
  expect(await operators.find({ email: 'bob@example.com' })).toBeUndefined()
})

test('no two operators have one e-mail address, also after a change', async () => {
  await operators.create({ email: 'ada@example.com', role: 'admin' })
  const bob = await operators.create({ email: 'bob@example.com', role: 'viewer' })
  const taken = operators.create({ email: 'ADA@example.com', role: 'viewer' })
  await expect(taken).rejects.toMatchObject({ code: 'CONFLICT' })
  await expect(
    operators.change(bob.id, (known) => ({ ...known, email: 'ada@example.com' })),
  ).rejects.toMatchObject({
    code: 'CONFLICT',
  })
})

test('an operator is found by the subject of the very same provider', async () => {
  const subject = { issuer: 'https://id.example.com', id: '7' }
  const ada = await operators.create({ email: 'ada@example.com', role: 'admin', subject })
  expect(await operators.findSubject(subject)).toEqual(ada)
  expect(await operators.findSubject({ ...subject, issuer: 'https://id.example.com/' })).toBeUndefined()
  expect(await operators.findSubject({ ...subject, id: '8' })).toBeUndefined()
})

test('it is known whether there is any operator', async () => {
  expect(await operators.isAny()).toBe(false)
  await operators.create({ email: 'ada@example.com', role: 'admin' })
  expect(await operators.isAny()).toBe(true)
})

test('the first operator is one, however many are about to be it in several processes', async () => {
  const database = memoryDatabase()
  const processes = Array.from(
    { length: 3 },
    () => new Operators({ store: database.open(), now: () => new Date(AT) }),
  )
  const made = await Promise.allSettled(
    processes.map((each, i) => each.createFirst({ email: `${i}@example.com`, passwordHash: 'h' })),
  )
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const each of processes) {
    expect(await each.list({ limit: 9 })).toMatchObject([{ role: 'admin' }])
    await expect(each.createFirst({ email: 'late@example.com' })).rejects.toMatchObject({ code: 'CONFLICT' })
  }
})

describe('the last administrator', () => {
  test('can be neither removed nor given another role', async () => {
    const ada = await operators.create({ email: 'ada@example.com', role: 'admin' })
    const bob = await operators.create({ email: 'bob@example.com', role: 'operator' })
    await expect(operators.demote(ada.id, 'operator')).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(operators.remove(ada.id)).rejects.toThrow('this is the only administrator')
    await operators.remove(bob.id)
    expect(await operators.list({ limit: 9 })).toEqual([ada])
  })

  test('stays, whatever others do at the same time in several processes', async () => {
    const act = fc.constantFrom('demote', 'remove')
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(act, { minLength: 2, maxLength: 4 }), async (s, acts) => {
        const database = memoryDatabase()
        const open = () => new Operators({ store: scheduled(database.open(), s), now: () => new Date(AT) })
        const main = new Operators({ store: database.open(), now: () => new Date(AT) })
        const admins: Operator[] = []
        for (const index of acts.keys())
          admins.push(await main.create({ email: `${index}@example.com`, role: 'admin' }))
        const all = acts.map(async (each, index) => {
          const { id } = admins[index] as Operator
          await (each === 'remove' ? open().remove(id) : open().demote(id, 'viewer'))
        })
        const ends = Promise.allSettled(all)
        await s.waitFor(ends)
        const left = (await main.list({ limit: 9 })).filter(({ role }) => role === 'admin')
        const refused = (await ends).filter(({ status }) => status === 'rejected')
        expect(left.length).toBeGreaterThan(0)
        expect(left.length).toBe(refused.length)
        expect(left.every(({ resigning }) => resigning === undefined)).toBe(true)
      }),
    )
  })

  test('is another one, though a process died before it took the role of that one', async () => {
    const store = memoryDatabase().open()
    const replace = vi.fn(store.replaceDocument.bind(store))
    const fails: Store = Object.assign(Object.create(store), { replaceDocument: replace })
    const killed = () => Promise.reject(new Error('killed'))
    let now = new Date(AT)
    const open = (on: Store) => new Operators({ store: on, now: () => now })
    const ada = await open(store).create({ email: 'ada@example.com', role: 'admin' })
    const bob = await open(store).create({ email: 'bob@example.com', role: 'admin' })
    replace.mockImplementationOnce(store.replaceDocument.bind(store)).mockImplementationOnce(killed)
    await expect(open(fails).demote(bob.id, 'viewer')).rejects.toThrow('killed')
    await expect(open(store).demote(ada.id, 'viewer')).rejects.toMatchObject({ code: 'CONFLICT' })
    now = new Date(now.getTime() + 61_000)
    expect(await open(store).demote(ada.id, 'viewer')).toMatchObject({ role: 'viewer' })
    expect(await open(store).list({ limit: 9 })).toMatchObject([{ role: 'viewer' }, bob])
  })
})

test('what does not exist cannot be changed or removed', async () => {
  await expect(operators.change(newId(), (known) => known)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(operators.remove(newId())).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

/** A store whose answers come in an order that the scheduler decides. */
const scheduled = (store: Store, scheduler: fc.Scheduler): Store =>
  new Proxy(store, {
    get: (of, name) => {
      const member: unknown = Reflect.get(of, name)
      if (typeof member !== 'function') return member
      return async (...input: unknown[]) => {
        await scheduler.schedule(Promise.resolve(), String(name))
        return Reflect.apply(member, of, input)
      }
    },
  })
