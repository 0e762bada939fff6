import { afterAll, expect, test } from 'vitest'
import { startReceiver } from '../support/receiver.js'
import { cleanUp, isSoak, sharedServer } from '../support/server.js'
import { createProject, newRequestId } from '../support/smartify.js'

const MESSAGES = isSoak ? 50 : 20

const server = sharedServer()
afterAll(cleanUp)

test(`${MESSAGES} concurrent first messages create one request with all of them, each delivered once to each subscription`, async () => {
  const project = await createProject(server)
  const receivers = await Promise.all([startReceiver(), startReceiver()])
  for (const hook of receivers) await project.subscribe('message.create', hook.url)
  const created = await startReceiver()
  await project.subscribe('request.create', created.url)
  const guest = await project.guest()
  const requestId = newRequestId()
  const texts = Array.from({ length: MESSAGES }, (_, i) => `message ${i}`)
  const answers = await Promise.all(texts.map((text) => project.say(requestId, text, guest)))
  expect(answers.map(({ status }) => status)).toEqual(texts.map(() => 200))
  expect(new Set(answers.map(({ json }) => json.request._id)).size).toBe(1)
  expect(new Set(answers.map(({ json }) => json.request.ticket_id))).toEqual(new Set([1]))

  const { json: messages } = await project.call('GET', `/requests/${requestId}/messages`, guest)
  const inOrder = messages.map(({ text }: { text: string }) => text) as string[]
  expect([...inOrder].sort()).toEqual([...texts].sort())
  expect(answers[0]?.json.request.first_text).toBe(inOrder[0])
  for (const hook of receivers) {
    await hook.until(({ length }) => length >= MESSAGES)
    const told = hook.requests.map(
      ({ json }) => (json as unknown as { payload: { text: string } }).payload.text,
    )
    expect(told).toEqual(inOrder)
  }
  expect(created.requests).toHaveLength(1)
  const { json: listed } = await project.call('GET', '/requests', project.owner)
  expect(listed.count).toBe(1)
  // Those that came too late to open it took no number.
  expect((await project.say(newRequestId(), 'hi', guest)).json.request.ticket_id).toBe(2)
  await Promise.all([...receivers, created].map((hook) => hook.close()))
})

test('a message is posted once for each idempotency key', async () => {
  const project = await createProject(server)
  const [guest, requestId] = [await project.guest(), newRequestId()]
  const keyed = { ...guest, headers: { ...guest.headers, 'idempotency-key': 'external message 1' } }
  const [one, again] = [await project.say(requestId, 'hi', keyed), await project.say(requestId, 'hi', keyed)]
  expect(again.json._id).toBe(one.json._id)
  expect((await project.say(requestId, 'other', keyed)).status).toBe(422)
  const elsewhere = await project.say(newRequestId(), 'hi', keyed)
  expect(elsewhere.json._id).not.toBe(one.json._id)
  const { json } = await project.call('GET', `/requests/${requestId}/messages`, guest)
  expect(json).toHaveLength(1)
})
