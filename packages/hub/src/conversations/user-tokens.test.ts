import { newId } from '@plugboard/core'
import { expect, onTestFinished, test } from 'vitest'
import { recordOf } from '../../test/support/clients.js'
import { openHub } from '../../test/support/hub.js'
import type { ClientView } from '../clients/directory.js'
import { memoryDatabase } from '../testing/memory-store.js'

test('tokens of a user say whose they are, end with their time, and cannot be changed', async () => {
  const record = recordOf()
  const store = memoryDatabase().open()
  await store.insertClient(record)
  const hub = openHub(store, [])
  onTestFinished(() => hub.stop(1000))
  const { users } = hub
  const view = (await hub.clients.find({ id: record.id })) as ClientView
  const { id: userId } = await users.create(view)
  const expiresAt = new Date(Date.now() + 60_000)
  const [token, brief] = [
    await users.createToken(view, userId),
    await users.createToken(view, userId, { expiresAt }),
  ]
  expect(token.secret).toMatch(/^[A-Za-z0-9+/]{88}$/)
  expect(await users.authenticate(token)).toMatchObject({ client: { id: view.id }, userId })
  expect(await users.authenticate(brief)).toMatchObject({ userId, expiresAt })
  expect(await users.authenticate({ ...token, id: newId() })).toBeUndefined()
  const bytes = Buffer.from(brief.secret, 'base64')
  for (let i = 0; i < bytes.length; i += 1) {
    const changed = Buffer.from(bytes)
    changed[i] = (changed[i] ?? 0) ^ 1
    expect(await users.authenticate({ ...brief, secret: changed.toString('base64') })).toBeUndefined()
  }
  const past = await users.createToken(view, userId, { expiresAt: new Date(Date.now() - 1) })
  expect(await users.authenticate(past)).toBeUndefined()
  await users.revokeTokens(view, userId)
  expect(await users.authenticate(token)).toBeUndefined()
  expect(await users.authenticate(await users.createToken(view, userId))).toMatchObject({ userId })
})
