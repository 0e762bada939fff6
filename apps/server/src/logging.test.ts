import { newId, toUuid } from '@plugboard/core'
import { type FastifyReply, fastify } from 'fastify'
import { describe, expect, test } from 'vitest'
import { createLog, RequestLog } from './logging.js'

function capture(level: string) {
  const lines: string[] = []
  const log = createLog(level, { write: (line) => void lines.push(line) })
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> }
}

describe('the log', () => {
  test('masks headers that hold credentials, wherever an object carries them', () => {
    const { log, lines } = capture('info')
    const headers = {
      authorization: 'hunter2',
      'x-bp-messaging-client-token': 'hunter2',
      password: 'hunter2',
    }
    log.info({ headers }, 'a')
    log.info({ request: { headers: { cookie: 'hunter2', host: 'x.example' } } }, 'b')
    expect(lines.join('')).not.toContain('hunter2')
    expect(lines.join('')).toContain('x.example')
  })

  test('takes of an error no more than what it says, and its causes', () => {
    const { log, lines, last } = capture('info')
    const cause = Object.assign(new Error('refused'), {
      code: 'ECONNREFUSED',
      config: { headers: 'hunter2' },
    })
    log.error({ err: new Error('failed', { cause }) }, 'x')
    expect(last().err).toMatchObject({
      type: 'Error',
      message: 'failed',
      cause: { message: 'refused', code: 'ECONNREFUSED' },
    })
    expect(lines.join('')).not.toContain('hunter2')
  })

  test('survives errors that are their own cause, and what is thrown without being an error', () => {
    const { log, lines } = capture('info')
    const circular = new Error('round')
    circular.cause = circular
    log.error({ err: circular }, 'x')
    log.error({ err: 'text' }, 'x')
    expect(lines).toHaveLength(2)
  })
})

describe('the ids of a line', () => {
  const id = newId()

  test('are shown as each API shows them', () => {
    const { log, last } = capture('info')
    log.info({ clientId: id, target: `slack ${id}`, streamId: undefined }, 'x')
    expect(last()).toMatchObject({ clientId: toUuid(id), target: `slack ${toUuid(id)}`, hexIds: [id, id] })
  })

  test('leave other members as they are', () => {
    const { log, last } = capture('info')
    log.info({ externalId: 'fe3b6bd5-2c5d-4be0-9f1a-3c7a3c1c1a11', commit: id, err: new Error(id) }, 'x')
    expect(last()).toMatchObject({
      ...{ externalId: 'fe3b6bd5-2c5d-4be0-9f1a-3c7a3c1c1a11', commit: id },
      err: { message: id },
    })
    expect(last()).not.toHaveProperty('hexIds')
  })
})

describe('the log of requests', () => {
  async function request(level: string, url: string) {
    const { log, lines, last } = capture(level)
    const app = fastify({ loggerInstance: log, logController: new RequestLog() })
    const answer = async (_: unknown, reply: FastifyReply) =>
      reply.code(Number(/\d+/.exec(url)?.[0])).send('x')
    app.get('/things/:id', answer)
    app.get('/attachments/v1/:id/:name', answer)
    app.get('/media/v1/:token', answer)
    await app.inject({ method: 'GET', url })
    await app.close()
    return { lines, last }
  }

  test.each([
    [200, 'debug', 20],
    [302, 'debug', 20],
    [404, 'info', 30],
    [500, 'error', 50],
  ])('logs a %i at %s', async (status, level, number) => {
    const { lines, last } = await request(level, `/things/${status}`)
    expect(lines).toHaveLength(1)
    expect(last()).toMatchObject({
      level: number,
      reqId: expect.any(String),
      req: { method: 'GET', path: `/things/${status}` },
      status,
      msg: 'request completed',
    })
  })

  test('says nothing of a success at its usual level', async () => {
    expect((await request('info', '/things/200')).lines).toEqual([])
  })

  test('shows 200 characters of a path at most', async () => {
    for (const path of [`/things/404/${'x'.repeat(5_000)}`, `/${'x'.repeat(5_000)}404`]) {
      const { last } = await request('info', path)
      const shown = (last().req as { path: string }).path
      expect(shown).toBe(`${path.slice(0, 199)}…`)
    }
  })

  test.each([
    ['/attachments/v1/client/id/hunter2/404.png', '/attachments/…'],
    ['/attachments/v1/hunter2/404.png', '/attachments/…'],
    ['/%61ttachments/v1/hunter2/404.png', '/attachments/…'],
    ['/%6dedi%61/v1/404-hunter2', '/media/…'],
    ['/Media/v1/404-hunter2', '/media/…'],
    ['//media/v1/404-hunter2', '/media/…'],
    ['/sc/media/v1/404-hunter2', '/sc/media/v1/…'],
  ])('shows nothing that opens a file, however its address is written: %s', async (url, path) => {
    const { last } = await request('info', url)
    expect(last().req).toMatchObject({ path })
  })

  test('never shows the query, nor the end of a path that no route has', async () => {
    expect((await request('info', '/things/400?jwt=hunter2')).lines.join('')).not.toContain('hunter2')
    const { last, lines } = await request('info', '/webhooks/bot/telegram/1234:hunter2')
    expect(last().req).toMatchObject({ path: '/webhooks/bot/telegram/…' })
    expect(lines.join('')).not.toContain('hunter2')
  })
})
