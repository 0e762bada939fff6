import { describe, expect, test, vi } from 'vitest'
import type { Answer, Received } from '../support/receiver.js'
import { SHORT_LEASE, startProcess } from '../support/server.js'
import { bodyOf, type Program, startProgram } from './program.js'
import { useSunshine } from './stage.js'

/** For polls: a busy machine is slow. */
const PATIENT = { timeout: 20_000 }

const stage = useSunshine(() =>
  startProcess({
    env: {
      // The last one is long, since their sum is a deadline too.
      SUNSHINE_RETRY_DELAYS: '20ms,20ms,20ms,1s',
      ...SHORT_LEASE,
      // Much shorter than what this API allows.
      WEBHOOK_TIMEOUT: '200ms',
      GATE_FAILURES: '1000000',
    },
  }),
)
const { api, newApp, newUser, personal, raw, say } = stage

/** A custom integration that receives messages, and responds like this. */
const listen = (answer: Answer): Promise<Program> => startProgram(api, ['conversation:message'], { answer })

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

  test.each([400, 401, 403, 404, 406])('with %i is made once, and the next goes on', async (status) => {
    await newApp()
    const program = await listen(failingAt('one', status))
    await sayTwo(program)
    expect(attemptsAt(program, 'one')).toHaveLength(1)
  })

  test.each([500, 503, 429, 410])(
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

  test('may arrive later, in order', async () => {
    await newApp()
    const program = await listen((_, __, index) => (index < 3 ? 500 : 200))
    await sayTwo(program)
    expect(attemptsAt(program, 'one')).toHaveLength(4)
    expect(attemptsAt(program, 'two')).toHaveLength(1)
  })

  test('is no failure because the answer takes its time', async () => {
    await newApp()
    const program = await listen(async (_, __, index) => {
      if (index === 0) await new Promise((resolve) => setTimeout(resolve, 1_000))
      return 200
    })
    await sayTwo(program)
    expect(attemptsAt(program, 'one')).toHaveLength(1)
  })

  test('is shown in the log of deliveries of its message', async () => {
    await newApp()
    const program = await listen(() => 404)
    const id = await personal(await newUser())
    const [message] = (await say(id, 'one')).messages
    const path = `/conversations/${id}/messages/${message.id}/deliveries`
    await vi.waitFor(async () => {
      const { json } = await raw('GET', path)
      expect(json.deliveries).toMatchObject([
        { state: 'dead', webhook: { id: program.webhook.id, target: program.receiver.url } },
      ])
    }, PATIENT)
  })
})

describe('what was taken in', () => {
  test('is given up, and listed, when its integration is deleted', async () => {
    await newApp()
    const program = await listen(() => 500)
    const id = await personal(await newUser())
    const [message] = (await say(id, 'one')).messages
    await program.event()
    await api.deleteIntegration(program.integrationId)
    const path = `/conversations/${id}/messages/${message.id}/deliveries`
    await vi.waitFor(async () => {
      const { json } = await raw('GET', path)
      expect(json.deliveries).toMatchObject([{ state: 'dead' }])
    }, PATIENT)
    const attempts = program.receiver.requests.length
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    expect(program.receiver.requests).toHaveLength(attempts)
  })

  test('is reported after a crash, with the same event', async () => {
    await newApp()
    const program = await listen(() => undefined)
    const id = await personal(await newUser())
    const { messages } = await say(id, 'hello')
    await program.event()
    await stage.server.kill()
    program.receiver.answer = () => 200
    await stage.restart()
    await program.receiver.until((requests) => requests.length >= 2, 60_000)
    expect(program.events().map((event) => event.id)).toEqual(program.events().map(() => messages[0].id))
  })
})
