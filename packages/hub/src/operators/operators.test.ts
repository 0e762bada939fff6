import { newId } from '@plugboard/core'
import { beforeEach, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-store.js'
import { Operators } from './operators.js'

let operators: Operators
beforeEach(() => {
  operators = new Operators({ store: memoryDatabase().open(), now: () => new Date('2026-11-22T08:00:00Z') })
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

test('it is known whether there is any operator, and another administrator', async () => {
  expect(await operators.isAny()).toBe(false)
  const ada = await operators.create({ email: 'ada@example.com', role: 'admin' })
  const bob = await operators.create({ email: 'bob@example.com', role: 'operator' })
  expect(await operators.isAny()).toBe(true)
  expect(await operators.hasOtherAdmin(ada.id)).toBe(false)
  expect(await operators.hasOtherAdmin(bob.id)).toBe(true)
  await operators.remove(ada.id)
  await operators.remove(bob.id)
  expect(await operators.isAny()).toBe(false)
})

test('what does not exist cannot be changed or removed', async () => {
  await expect(operators.change(newId(), (known) => known)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(operators.remove(newId())).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
