import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { call } from '../support/api.js'
import type { Answer, Received, Receiver } from '../support/receiver.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'
import { basic, type Key, newKey, type OfficialClient, officialClient } from '../support/sunshine.js'
import { bodyOf, type Program, startProgram } from './program.js'

/** For polls: a busy machine is slow. */
const PATIENT = { timeout: 20_000 }

let server: TestServer
let key: Key
let api: OfficialClient
const receivers: Receiver[] = []

beforeAll(async () => {
  server = await startServer({
    env: {
      // The last one is long, since their sum is a deadline too.
      SUNSHINE_RETRY_DELAYS: '20ms,20ms,20ms,1s',
      // Much shorter than what this API allows.
      WEBHOOK_TIMEOUT: '200ms',
      GATE_FAILURES: '1000000',
    },
  })
})
afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()))
})
afterAll(cleanUp)

/** A custom integration that is told of messages, and answers so. */
async function listen(answer: Answer): Promise<Program> {
  const program = await startProgram(api, ['conversation:message'], { answer })
  receivers.push(program.receiver)
  return program
}

async function newApp(): Promise<void> {
  key = await newKey(server)
  api = officialClient(server, key)
}

const newUser = async (body: object = {}): Promise<string> => (await api.createUser(body)).user.id
const personal = async (userId: string): Promise<string> =>
  (await api.createConversation({ type: 'personal', participants: [{ userId }] })).conversation.id
const business = { type: 'business' }
const say = (conversationId: string, words: string, author: object = business) =>
  api.postMessage(conversationId, { author, content: { type: 'text', text: words } })

describe('a request that fails', () => {
  const attemptsAt = (program: Program, text: string): Received[] =>
    program.receiver.requests.filter((request) =>
      bodyOf(request).events.some(({ payload }) => payload.message.content.text === text),
    )

  /** Says one thing and another, and waits until the other has arrived. */
  async function sayTwo(program: Program): Promise<void> {
    const id = await personal(await newUser())
    await say(id, 'one')
    await say(id, 'two')
    await vi.waitFor(() => expect(attemptsAt(program, 'two').length).toBeGreaterThan(0), PATIENT)
  }

  const failingAt = (text: string, status: number) => (request: Received) =>
    request.text.includes(`"${text}"`) ? status : 200

  it.each([400, 401, 403, 404, 406])('with %i is made once, and the next goes on', async (status) => {
    await newApp()
    const program = await listen(failingAt('one', status))
    await sayTwo(program)
    expect(attemptsAt(program, 'one')).toHaveLength(1)
  })

  it.each([500, 503, 429, 410])(
    'with %i is made five times with the same event, and the next goes on',
    async (status) => {
      await newApp()
      const program = await listen(failingAt('one', status))
      await sayTwo(program)
      const attempts = attemptsAt(program, 'one')
      expect(attempts).toHaveLength(5)
      expect(new Set(attempts.map((request) => bodyOf(request).events[0]?.id)).size).toBe(1)
      expect(new Set(attempts.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    },
  )

  it('may arrive later, in order', async () => {
    await newApp()
    const program = await listen((_, __, index) => (index < 3 ? 500 : 200))
    await sayTwo(program)
    expect(attemptsAt(program, 'one')).toHaveLength(4)
    expect(attemptsAt(program, 'two')).toHaveLength(1)
  })

  it('is no failure because the answer takes its time', async () => {
    await newApp()
    const program = await listen(async (_, __, index) => {
      if (index === 0) await new Promise((resolve) => setTimeout(resolve, 1_000))
      return 200
    })
    await sayTwo(program)
    expect(attemptsAt(program, 'one')).toHaveLength(1)
  })

  it('is shown in the log of deliveries of its message', async () => {
    await newApp()
    const program = await listen(() => 404)
    const id = await personal(await newUser())
    const [message] = (await say(id, 'one')).messages
    const path = `/v2/apps/${key.appId}/conversations/${id}/messages/${message.id}/deliveries`
    await vi.waitFor(async () => {
      const { json } = await call(server, 'GET', path, { headers: { authorization: basic(key) } })
      expect(json.deliveries).toMatchObject([
        { state: 'dead', webhook: { id: program.webhook.id, target: program.receiver.url } },
      ])
    }, PATIENT)
  })
})

describe('what was taken in', () => {
  it('is given up, and listed, when its integration is deleted', async () => {
    await newApp()
    const program = await listen(() => 500)
    const id = await personal(await newUser())
    const [message] = (await say(id, 'one')).messages
    await program.event()
    await api.deleteIntegration(program.integrationId)
    const path = `/v2/apps/${key.appId}/conversations/${id}/messages/${message.id}/deliveries`
    await vi.waitFor(async () => {
      const { json } = await call(server, 'GET', path, { headers: { authorization: basic(key) } })
      expect(json.deliveries).toMatchObject([{ state: 'dead' }])
    }, PATIENT)
    const attempts = program.receiver.requests.length
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    expect(program.receiver.requests).toHaveLength(attempts)
  })

  it('is told after a crash, with the same event', async () => {
    await newApp()
    const program = await listen(() => undefined)
    const id = await personal(await newUser())
    const { messages } = await say(id, 'hello')
    await program.event()
    await server.kill()
    program.receiver.answer = () => 200
    server = await server.restart({ LEASE_TIME: '3s' })
    await program.receiver.until((requests) => requests.length >= 2, 60_000)
    expect(program.events().map((event) => event.id)).toEqual(program.events().map(() => messages[0].id))
  })
})
