import { expect, onTestFinished, test, vi } from 'vitest'
import { Outbox } from './outbox.js'
import type { Queued } from './state.js'

/** Node has no storage of browsers: so it is kept in memory, as in a frame where storage is blocked. */
const queued = (clientId: string, text = clientId): Queued => ({
  clientId,
  createdAt: '2026-01-01T00:00:00.000Z',
  payload: { type: 'text', text },
})

const idsOf = async (outbox: Outbox): Promise<string[]> =>
  (await outbox.list()).map(({ clientId }) => clientId)

test('messages come out in the order of writing, until they are removed', async () => {
  const outbox = new Outbox('a')
  await outbox.put(queued('k2'))
  await outbox.put(queued('k1'))
  await outbox.put(queued('k3'))
  expect(await idsOf(outbox)).toEqual(['k1', 'k2', 'k3'])
  await outbox.remove('k2')
  expect(await idsOf(outbox)).toEqual(['k1', 'k3'])
  await outbox.clear()
  expect(await idsOf(outbox)).toEqual([])
})

test('a message is changed in its place, without how much of it was uploaded', async () => {
  const outbox = new Outbox('a')
  await outbox.put(queued('k1'))
  await outbox.put({ ...queued('k1', 'new'), progress: 0.5 })
  expect(await outbox.list()).toEqual([queued('k1', 'new')])
})

test('a list that was asked for before has what is written meanwhile', async () => {
  const outbox = new Outbox('a')
  const list = outbox.list()
  void outbox.put(queued('k1'))
  expect((await list).map(({ clientId }) => clientId)).toEqual(['k1'])
})

test('what a closed page left in the local storage is sent, also beside what is damaged', async () => {
  const whole = { ...queued('k3'), conversationId: 'c', isNewChat: true, refusal: 'failed' }
  const left = {
    k1: 'no JSON',
    k2: JSON.stringify({ clientId: 'k2', createdAt: '2026-01-01T00:00:00.000Z' }),
    k3: JSON.stringify(whole),
    k4: JSON.stringify(queued('of another key')),
    k5: JSON.stringify(queued('k5')),
  }
  const items = Object.entries(left).map(([id, text]) => [`plugboard:a:queue:${id}`, text])
  const storage: Record<string, string> = Object.create({
    getItem: (key: string) => storage[key] ?? null,
    removeItem: (key: string) => Reflect.deleteProperty(storage, key),
  })
  vi.stubGlobal('localStorage', Object.assign(storage, Object.fromEntries(items)))
  onTestFinished(() => void vi.unstubAllGlobals())
  expect(await new Outbox('a').list()).toEqual([whole, queued('k5')])
})
