import { fromUuid, toUuid } from '@plugboard/core'
import { decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { createProject, idOf, newRequestId, type Project } from '../support/smartify.js'
import * as shapes from './shapes.js'

const server = sharedServer()
let project: Project
const hooks: Receiver[] = []

beforeAll(async () => {
  project = await createProject(server)
})
afterAll(async () => {
  await Promise.all(hooks.map((hook) => hook.close()))
  await cleanUp()
})

async function receive(...answers: number[]): Promise<Receiver> {
  const hook = await startReceiver(() => answers.shift() ?? 200)
  hooks.push(hook)
  return hook
}

interface Event {
  timestamp: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into many shapes, and assert each
  payload: any
  hook: Record<string, unknown>
  token: string
}

const eventsOf = (hook: Receiver): Event[] => hook.requests.map(({ json }) => json as unknown as Event)
const textsOf = (hook: Receiver): string[] => eventsOf(hook).map(({ payload }) => payload.text)

/** Waits for this many requests, and a moment longer to detect an extra one. */
async function until(hook: Receiver, count: number): Promise<Event[]> {
  await hook.until(({ length }) => length >= count)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(hook.requests).toHaveLength(count)
  return eventsOf(hook)
}

describe('message.create', () => {
  test('sends every message with its request, signed with the secret of the subscription', async () => {
    const hook = await receive()
    const { _id, secret } = await project.subscribe('message.create', hook.url)
    const guest = await project.guest()
    const requestId = newRequestId()
    await project.say(requestId, 'hello', guest)
    await project.say(requestId, 'hi John', project.owner)
    const events = await until(hook, 2)
    const [first, second] = events
    const of = { projectId: project.id, requestId, guestId: guest.id, agentId: project.owner.id }
    const told = shapes.subscription(project.id, project.owner.id, 'message.create', hook.url)
    expect(first).toEqual({
      ...{ timestamp: Date.parse(first?.payload.createdAt), hook: told, token: expect.any(String) },
      payload: {
        ...shapes.message(project.id, requestId, guest.id, 'hello'),
        request: shapes.request(of, 'hello', { email: project.owner.email }),
      },
    })
    expect(second?.payload).toMatchObject({ text: 'hi John', sender: project.owner.id, recipient: requestId })
    const [request] = hook.requests
    expect(request?.headers).toMatchObject({
      ...{ 'content-type': 'application/json', 'x-hook-secret': secret },
      ...{ 'user-agent': 'tiledesk-webhooks', origin: server.url },
    })
    const key = new TextEncoder().encode(secret)
    const { payload: claims } = await jwtVerify(first?.token ?? '', key, { algorithms: ['HS256'] })
    expect(claims).toEqual({
      ...{ ...first?.hook, iat: Math.floor((first?.timestamp ?? 0) / 1000), sub: 'subscription' },
      ...{ iss: 'https://tiledesk.com', aud: `https://tiledesk.com/subscriptions/${_id}` },
    })
    await project.call('DELETE', `/subscriptions/${_id}`, project.owner)
  })

  test('has the same body at each attempt, and comes again only where that is of use', async () => {
    const hook = await receive(500, 429, 200, 404, 302)
    const { _id } = await project.subscribe('message.create', hook.url)
    const guest = await project.guest()
    const requestId = newRequestId()
    for (const text of ['one', 'two', 'three']) await project.say(requestId, text, guest)
    await until(hook, 5)
    expect(textsOf(hook)).toEqual(['one', 'one', 'one', 'two', 'three'])
    expect(new Set(hook.requests.slice(0, 3).map(({ text }) => text)).size).toBe(1)
    await project.call('DELETE', `/subscriptions/${_id}`, project.owner)
  })

  test('is limited to a channel, of the request or of the message', async () => {
    const [ofRequests, ofMessages] = [await receive(), await receive()]
    const subscriptions = [
      await project.subscribe('message.create.request.channel.phone', ofRequests.url),
      await project.subscribe('message.create.channel.phone', ofMessages.url),
    ]
    const guest = await project.guest()
    const [phone, web] = [newRequestId(), newRequestId()]
    const post = (requestId: string, body: object) =>
      project.call('POST', `/requests/${requestId}/messages`, guest, body)
    await post(phone, { text: 'rings', channel: { name: 'phone' } })
    await post(phone, { text: 'in its request' })
    await post(web, { text: 'elsewhere' })
    await post(web, { text: 'elsewhere, by phone', channel: { name: 'phone' } })
    await until(ofRequests, 2)
    await until(ofMessages, 2)
    expect(textsOf(ofRequests)).toEqual(['rings', 'in its request'])
    expect(textsOf(ofMessages).sort()).toEqual(['elsewhere, by phone', 'rings'])
    expect(eventsOf(ofRequests)[1]?.payload.request.channel).toEqual({ name: 'phone' })
    const { json } = await project.call('GET', '/requests/me?channel=phone', guest)
    expect(json.requests.map((each: { request_id: string }) => each.request_id)).toEqual([phone])
    for (const { _id } of subscriptions) await project.call('DELETE', `/subscriptions/${_id}`, project.owner)
  })
})

describe('requests and leads', () => {
  test('send events when they open and close', async () => {
    const own = await createProject(server)
    const names = ['request.create', 'request.update', 'request.close', 'lead.create'] as const
    const receivers = await Promise.all(names.map(() => receive()))
    const [created, updated, closed, leads] = receivers as [Receiver, Receiver, Receiver, Receiver]
    for (const [i, name] of names.entries()) await own.subscribe(name, receivers[i]?.url ?? '')
    const guest = await own.guest()
    const requestId = newRequestId()
    await own.say(requestId, 'hello', guest)
    await own.say(requestId, 'bye', guest)
    await own.say(newRequestId(), 'me again', guest)
    const close = () => own.call('PUT', `/requests/${requestId}/close`, own.owner)
    const { status, json } = await close()
    expect([status, json.status]).toEqual([200, 1000])
    expect(json).toMatchObject({
      ...{ closed_by: own.owner.id, duration: expect.any(Number), closed_at: expect.any(String) },
      transcript: expect.stringMatching(/^\[.*Z\] John: hello\n\[.*Z\] John: bye$/),
    })
    expect((await close()).json).toEqual(json)

    const of = { projectId: own.id, requestId, guestId: guest.id, agentId: own.owner.id }
    const shape = shapes.request(of, 'hello', { email: own.owner.email })
    const begun = await until(created, 2)
    expect(begun[0]?.payload).toMatchObject({ request_id: requestId, first_text: 'hello', ticket_id: 1 })
    expect((await until(leads, 1))[0]?.payload).toEqual(shape.lead)
    expect((await until(updated, 1))[0]?.payload).toMatchObject({ request_id: requestId, status: 1000 })
    const [end] = await until(closed, 1)
    expect(end?.payload).toMatchObject({ ...shape, status: 1000, closed_by: own.owner.id })
    expect(end?.payload.messages.map(({ text }: { text: string }) => text)).toEqual(['hello', 'bye'])
  })

  test('take messages when they are closed, and stay so', async () => {
    const guest = await project.guest()
    const requestId = newRequestId()
    await project.say(requestId, 'hello', guest)
    await project.call('PUT', `/requests/${requestId}/close`, project.owner)
    const { status, json } = await project.say(requestId, 'one more', guest)
    expect([status, json.request.status]).toEqual([200, 1000])
    const mine = await project.call('GET', '/requests/me', guest)
    expect(mine.json).toMatchObject({ perPage: 40, count: 0, requests: [] })
    const listed = async (status: string) =>
      (await project.call('GET', `/requests?status=${status}&limit=100`, project.owner)).json.requests.map(
        (each: { request_id: string }) => each.request_id,
      ) as string[]
    expect(await listed('200')).not.toContain(requestId)
    expect(await listed('1000')).toContain(requestId)
    expect(await listed('all')).toContain(requestId)
  })
})

describe('with the Messaging API', () => {
  test('a guest reaches the bot, and the bot the subscriptions', async () => {
    const own = await createProject(server)
    const [bot, hook] = [await receive(), await receive()]
    const client = await own.client()
    await client.call('POST', '/sync', { channels: {}, webhooks: [{ url: bot.url }] })
    await own.subscribe('message.create', hook.url)
    const guest = await own.guest()
    const requestId = newRequestId()
    const metadata = { src: 'https://x.example/cat.png', width: 10, height: 20, type: 'image/png' }
    await own.say(requestId, 'hello', guest)
    await own.call('POST', `/requests/${requestId}/messages`, guest, { type: 'image', text: 'cat', metadata })
    await bot.until(() => bot.ofType('message.new').length === 2)
    const heard = bot.ofType('message.new').map(({ json }) => json.data)
    expect(heard.map(({ message }) => message?.payload)).toEqual([
      { type: 'text', text: 'hello' },
      { type: 'image', image: metadata.src, title: 'cat' },
    ])
    const conversationId = String(heard[0]?.conversationId)
    expect(heard[0]?.userId).toMatch(/^[0-9a-f-]{36}$/)
    const choices = [{ title: 'Yes', value: 'y' }]
    const payload = { type: 'single-choice', text: 'Is it yours?', choices }
    await client.call('POST', '/messages', { conversationId, payload })
    await client.call('POST', '/messages', {
      conversationId,
      payload: { type: 'image', image: metadata.src },
    })
    const events = await until(hook, 4)
    const { id } = heard[1]?.message ?? {}
    expect(events[1]?.payload).toMatchObject({ _id: idOf(String(id)), type: 'image', text: 'cat', metadata })
    expect(events[2]?.payload).toMatchObject({
      ...{ sender: own.id, senderFullname: 'Bot', recipient: requestId, type: 'text', text: 'Is it yours?' },
      attributes: { attachment: { type: 'template', buttons: [{ type: 'text', value: 'Yes' }] } },
    })
    expect(events[3]?.payload).toMatchObject({ type: 'image', metadata: { src: metadata.src }, text: '' })
  })

  test('conversations that began there are requests, and agents answer in them', async () => {
    const own = await createProject(server)
    const [bot, hook] = [await receive(), await receive()]
    const client = await own.client()
    await own.subscribe('message.create', hook.url)
    await client.call('POST', '/sync', { channels: {}, webhooks: [{ url: bot.url }] })
    const { userId, conversationId } = await client.converse()
    await client.say(conversationId, 'from elsewhere', userId)
    const [event] = await until(hook, 1)
    const requestId = `support-group-${conversationId}`
    expect(event?.payload).toMatchObject({
      ...{ sender: idOf(userId), recipient: requestId, text: 'from elsewhere' },
      request: { request_id: requestId, lead: { lead_id: fromUuid(userId) } },
    })
    const reply = await own.say(requestId, 'here I am', own.owner)
    expect(reply.json.request._id).toBe(idOf(conversationId))
    await bot.until(() => bot.ofType('message.new').length === 2)
    expect(bot.ofType('message.new')[1]?.json.data).toMatchObject({
      ...{ conversationId, message: { payload: { type: 'text', text: 'here I am' } } },
    })
    const { json } = await own.call('GET', '/requests', own.owner)
    expect(json).toMatchObject({ count: 1, requests: [{ request_id: requestId, status: 100 }] })
  })

  test('its ids are the same, in another form', async () => {
    const guest = await project.guest()
    const client = await project.client()
    const { json } = await project.say(newRequestId(), 'hello', guest)
    const { userId } = (await client.call('GET', `/conversations/${toUuid(json.request._id)}`)).json
    expect(fromUuid(userId)).toBe(json.request.lead._id)
    expect(decodeJwt(guest.token.slice(4)).id_lead).toBe(json.request.lead._id)
  })
})
