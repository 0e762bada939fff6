import { createHmac, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { Webhook } from 'standardwebhooks'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type { Message } from './messages.js'
import { receiveWebhook, WebhookError } from './webhook.js'

const token = randomBytes(64).toString('base64')
const message = {
  id: 'm1',
  conversationId: 'k1',
  authorId: 'u1',
  sentOn: '2026-11-22T08:00:00.000Z',
  payload: { type: 'text', text: 'Grüße 👋' },
}
const messageNew = {
  type: 'message.new',
  data: { userId: 'u1', conversationId: 'k1', channel: 'telegram', message },
}

interface Signing {
  key?: string
  ageSeconds?: number
  id?: string
}

/** A request as Plugboard sends it, signed by another implementation than ours. */
function signed(body: string, { key = token, ageSeconds = 0, id = 'evt_1' }: Signing = {}) {
  const at = new Date(Date.now() - ageSeconds * 1000)
  const headers: Record<string, string> = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(key).sign(id, at, body),
  }
  return { headers, body }
}

const signedEvent = (event: unknown = messageNew, signing?: Signing) => signed(JSON.stringify(event), signing)
const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error) => (error instanceof WebhookError ? error.reason : error),
  )

describe('receiveWebhook', () => {
  test('returns the event of a signed request, with the id of the delivery', async () => {
    const event = await receiveWebhook(signedEvent(), { token })
    expect(event).toEqual({ id: 'evt_1', ...messageNew })
    if (event.type !== 'message.new') throw new Error('narrowed wrongly')
    expectTypeOf(event.data.message).toEqualTypeOf<Message>()
  })

  test.each([
    ['Headers', (headers: Record<string, string>) => new Headers(headers)],
    ['a plain object', (headers: Record<string, string>) => headers],
    [
      'a plain object with capitals',
      (headers: Record<string, string>) =>
        Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value])),
    ],
    [
      'lists of values',
      (headers: Record<string, string>) =>
        Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    ],
  ])('takes headers as %s', async (_, convert) => {
    const { headers, body } = signedEvent()
    expect(await reasonOf(receiveWebhook({ headers: convert(headers), body }, { token }))).toBe('accepted')
  })

  test('takes the body as text, Buffer, part of a larger buffer, or ArrayBuffer', async () => {
    const { headers, body } = signedEvent()
    const bytes = new TextEncoder().encode(body)
    const part = Buffer.from(`..${body}..`).subarray(2, 2 + bytes.length)
    for (const form of [body, Buffer.from(body), part, bytes, bytes.buffer]) {
      expect(await reasonOf(receiveWebhook({ headers, body: form }, { token }))).toBe('accepted')
    }
  })

  test.each([
    ['was already parsed', messageNew],
    ['was already parsed', {}],
    ['was already parsed', [messageNew]],
    ['was not read', undefined],
    ['was not read', null],
    ['is a stream that was not read', Readable.from([])],
    ['is a stream that was not read', new Response('').body],
  ])('reports that the body %s as a mistake in the bot, not as a forgery (%#)', async (reason, body) => {
    const { headers } = signedEvent()
    const error = await receiveWebhook({ headers, body: body as never }, { token }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(`the body ${reason}: pass the raw body`)
  })

  test('names an argument that is missing', async () => {
    const receive = (...args: unknown[]) =>
      receiveWebhook(...(args as Parameters<typeof receiveWebhook>)).catch((thrown: unknown) => thrown)
    for (const error of [await receive(), await receive({ body: '{}' }, { token })])
      expect(error).toEqual(new TypeError('receiveWebhook needs a request: { headers, body }'))
    for (const error of [await receive(signedEvent()), await receive(signedEvent(), {})])
      expect(error).toMatchObject({ name: 'TypeError', message: expect.stringContaining('needs { token }') })
  })

  test('names a body that was serialized again as a possible reason for a bad signature', async () => {
    const { headers, body } = signed(JSON.stringify(messageNew, null, 1))
    const again = JSON.stringify(JSON.parse(body))
    await expect(receiveWebhook({ headers, body: again }, { token })).rejects.toThrow('serialized again')
  })

  test('takes a token with the prefix whsec_ or a line break at its end', async () => {
    for (const form of [`whsec_${token}`, `${token}\n`]) {
      expect(await reasonOf(receiveWebhook(signedEvent(), { token: form }))).toBe('accepted')
    }
  })

  test.each([{ token: '' }, { token: 'not.base64' }, { tokens: [] }, { tokens: [token, '???'] }, {}])(
    'names a token that cannot be one as a mistake in the bot, without its value (%#)',
    async (options) => {
      const error = await receiveWebhook(signedEvent(), options as { token: string }).catch(
        (thrown) => thrown,
      )
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).not.toMatch(/not\.base64|\?\?\?/)
    },
  )
})

describe('signatures', () => {
  test('of somebody else are refused with 401', async () => {
    const forged = signedEvent(messageNew, { key: randomBytes(64).toString('base64') })
    await expect(receiveWebhook(forged, { token })).rejects.toMatchObject({
      name: 'WebhookError',
      reason: 'bad-signature',
      status: 401,
    })
  })

  test.each([
    ['body', (request: ReturnType<typeof signed>) => (request.body += ' ')],
    ['id', (request: ReturnType<typeof signed>) => (request.headers['webhook-id'] = 'evt_2')],
    [
      'time',
      (request: ReturnType<typeof signed>) =>
        (request.headers['webhook-timestamp'] = String(Math.floor(Date.now() / 1000) + 5)),
    ],
  ])('do not fit another %s', async (_, change) => {
    const request = signedEvent()
    change(request)
    expect(await reasonOf(receiveWebhook(request, { token }))).toBe('bad-signature')
  })

  test.each(['v1,', 'v1', 'v1,AAAA', 'v1,%%%', 'v1a,x', 'v2,AAAA', ' ', ', ,'])(
    'of a form like %j are refused',
    async (signature) => {
      const { headers, body } = signedEvent()
      const request = { headers: { ...headers, 'webhook-signature': signature }, body }
      expect(await reasonOf(receiveWebhook(request, { token }))).toBe('bad-signature')
    },
  )

  test('without their version, of another one, or cut short, are refused', async () => {
    const { headers, body } = signedEvent()
    const signature = headers['webhook-signature'] ?? ''
    for (const part of [
      signature.slice(3),
      `v2,${signature.slice(3)}`,
      signature.slice(0, -4),
      signature.toUpperCase(),
    ]) {
      const request = { headers: { ...headers, 'webhook-signature': part }, body }
      expect(await reasonOf(receiveWebhook(request, { token }))).toBe('bad-signature')
    }
  })

  test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])(
    'are refused without %s',
    async (name) => {
      const { headers, body } = signedEvent()
      delete headers[name]
      expect(await reasonOf(receiveWebhook({ headers, body }, { token }))).toBe('missing-header')
      headers[name] = ''
      expect(await reasonOf(receiveWebhook({ headers, body }, { token }))).toBe('missing-header')
    },
  )

  test('are not replaced by the token in a header of the ancestor', async () => {
    const { body } = signedEvent()
    const headers = { 'x-bp-messaging-webhook-token': token, 'x-bp-messaging-client-id': 'c1' }
    expect(await reasonOf(receiveWebhook({ headers, body }, { token }))).toBe('missing-header')
  })

  test('of two tokens are both good while one replaces the other, on either side', async () => {
    const next = randomBytes(64).toString('base64')
    const [old, fresh] = [signedEvent(), signedEvent(messageNew, { key: next })]
    expect(await reasonOf(receiveWebhook(old, { tokens: [next, token] }))).toBe('accepted')
    expect(await reasonOf(receiveWebhook(fresh, { tokens: [next, token] }))).toBe('accepted')
    expect(await reasonOf(receiveWebhook(old, { tokens: [next] }))).toBe('bad-signature')
    const both = `v1a,ignored ${fresh.headers['webhook-signature']} ${old.headers['webhook-signature']}`
    const request = { ...old, headers: { ...old.headers, 'webhook-signature': both } }
    expect(await reasonOf(receiveWebhook(request, { token }))).toBe('accepted')
  })

  test('are looked at up to a number that no rotation needs', async () => {
    const { headers, body } = signedEvent()
    const signature = `${'v1,AAAA '.repeat(20)}${headers['webhook-signature']}`
    const request = { headers: { ...headers, 'webhook-signature': signature }, body }
    expect(await reasonOf(receiveWebhook(request, { token }))).toBe('bad-signature')
  })
})

describe('time', () => {
  test.each([
    [290, 'accepted'],
    [310, 'too-old'],
    [-290, 'accepted'],
    [-310, 'too-new'],
  ])('signed %s s ago is %s', async (ageSeconds, outcome) => {
    expect(await reasonOf(receiveWebhook(signedEvent(messageNew, { ageSeconds }), { token }))).toBe(outcome)
  })

  test('is held against the tolerance that was given', async () => {
    const request = signedEvent(messageNew, { ageSeconds: 30 })
    expect(await reasonOf(receiveWebhook(request, { token, toleranceSeconds: 10 }))).toBe('too-old')
    expect(await reasonOf(receiveWebhook(request, { token, toleranceSeconds: 60 }))).toBe('accepted')
  })

  test.each(['soon', '1e9', '-5', '1.5', '0x10', '9'.repeat(30), '2026-11-22'])(
    'that is no number of seconds (%s) is refused',
    async (timestamp) => {
      const { headers, body } = signedEvent()
      const request = { headers: { ...headers, 'webhook-timestamp': timestamp }, body }
      expect(await reasonOf(receiveWebhook(request, { token }))).toBe('bad-timestamp')
    },
  )
})

describe('bodies', () => {
  test.each(['', 'hello', '{"type":', '[]', 'null', '"message.new"', '{}', '{"type":7}'])(
    'that are signed but no event (%j) are refused with 400, without quoting them',
    async (body) => {
      const error = await receiveWebhook(signed(body), { token }).catch((thrown) => thrown)
      expect(error).toMatchObject({ reason: 'bad-body', status: 400 })
      expect(error.cause).toBeUndefined()
    },
  )

  test('that are no UTF-8 are refused though they are signed', async () => {
    const body = Buffer.from('{"type":"x","data":"\u00ff"}', 'latin1')
    const { headers } = signed('')
    const start = `${headers['webhook-id']}.${headers['webhook-timestamp']}.`
    const mac = createHmac('sha256', Buffer.from(token, 'base64')).update(start).update(body).digest('base64')
    const request = { headers: { ...headers, 'webhook-signature': `v1,${mac}` }, body }
    expect(await reasonOf(receiveWebhook(request, { token }))).toBe('bad-body')
  })
})
