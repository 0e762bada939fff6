import { type InboundRequest, isPlugboardError } from '@plugboard/core'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Config, connect } from './config.js'
import { parse, verify } from './inbound.js'

const now = new Date('2026-11-22T08:00:00Z')
const key = (letter: string) => Buffer.alloc(24, letter).toString('base64')
const config: Config = { url: 'https://acme.example', secret: key('n'), previousSecret: `whsec_${key('o')}` }
const integration = { clientId: 'acme', config, session: connect(config) }

const post = (body: string | Uint8Array, headers: InboundRequest['headers'] = {}): InboundRequest => ({
  method: 'POST',
  publicUrl: 'https://hub.example/webhooks/v1/acme/webhook',
  headers: {
    'content-type': 'application/json',
    'webhook-id': 'msg_1',
    'webhook-timestamp': `${now.getTime() / 1000}`,
    ...headers,
  },
  body: Buffer.from(body),
})

beforeEach(() => {
  vi.useFakeTimers({ now })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('verify', () => {
  const signature = (secret: string, at = now) => new Webhook(secret).sign('msg_1', at, '{}')
  const verdict = (headers: InboundRequest['headers'], body: string | Uint8Array = '{}') =>
    verify(post(body, headers), integration)

  test.each([
    ['the secret', signature(config.secret)],
    ['the previous secret', signature(key('o'))],
    ['openssl, as README.md shows it', 'v1,9i/CTm+/2yX3SJsFi+U+76pnY36jNxzJNvXMgBG9Oks='],
    ['one of several', `v1a,xyz v1,AAAA ${signature(key('x'))} ${signature(config.secret)}`],
  ])('accepts a signature made with %s', (_, value) => {
    expect(verdict({ 'webhook-signature': value })).toEqual({ ok: true })
  })

  test.each([
    [-300, { ok: true }],
    [-301, { ok: false, reason: 'stale' }],
    [300, { ok: true }],
    [301, { ok: false, reason: 'stale' }],
  ])('takes a clock that is off by %i s for %j', (seconds, expected) => {
    const at = new Date(now.getTime() + seconds * 1000)
    const headers = { 'webhook-timestamp': `${at.getTime() / 1000}` }
    expect(verdict({ ...headers, 'webhook-signature': signature(config.secret, at) })).toEqual(expected)
  })

  test.each([
    ['missing', { 'webhook-signature': '' }],
    ['missing', { 'webhook-signature': 'v1,AAAA', 'webhook-id': undefined }],
    ['malformed', { 'webhook-signature': 'v1,AAAA', 'webhook-timestamp': 'now' }],
    ['malformed', { 'webhook-signature': 'v1,AAAA', 'webhook-timestamp': '1795334400, 1795334400' }],
    ['stale', { 'webhook-signature': 'v1,AAAA', 'webhook-timestamp': '1' }],
    ['mismatch', { 'webhook-signature': 'v1,AAAA' }],
    ['mismatch', { 'webhook-signature': 'v1' }],
    ['mismatch', { 'webhook-signature': signature(key('x')) }],
    ['mismatch', { 'webhook-signature': signature(config.secret), 'webhook-id': 'msg_1, msg_1' }],
  ])('answers %s to %j', (reason, headers) => {
    expect(verdict(headers)).toEqual({ ok: false, reason })
  })

  test('does not take bytes that are no UTF-8 for the character that stands for them', () => {
    const headers = { 'webhook-signature': new Webhook(config.secret).sign('msg_1', now, '"\ufffd"') }
    expect(verdict(headers, '"\ufffd"')).toEqual({ ok: true })
    expect(verdict(headers, Buffer.from([0x22, 0xff, 0x22]))).toEqual({ ok: false, reason: 'malformed' })
  })
})

describe('parse', () => {
  const message = { sender: 'ada', payload: { type: 'text', text: 'Hello' } }
  const fault = (request: InboundRequest): string => {
    try {
      parse(request)
    } catch (error) {
      if (isPlugboardError(error, 'INVALID')) return error.message
      throw error
    }
    return 'none'
  }

  test('takes the time of the event from the body, else from the header', () => {
    const at = (body: object) => parse(post(JSON.stringify({ ...message, ...body }))).events[0]?.at.toJSON()
    expect(at({ at: '2026-11-22T09:59:58+02:00' })).toBe('2026-11-22T07:59:58.000Z')
    expect(at({})).toBe(now.toJSON())
  })

  test.each([
    [{ sender: undefined }, '"sender" is required'],
    [{ sender: '' }, '"sender" must not be empty'],
    [{ sender: 7 }, '"sender" must be text'],
    [{ sender: 'x'.repeat(201) }, '"sender" must be at most 200 characters long'],
    [{ thread: 'a\u0000' }, '"thread" must not contain NUL or half of a surrogate pair'],
    [{ identity: '\ud83d' }, '"identity" must not contain NUL or half of a surrogate pair'],
    [{ identity: null }, '"identity" must be text'],
    [{ type: 'edited' }, '"type" must be message or conversation.started'],
    [{ at: 'yesterday' }, '"at" must be a time such as 2026-11-22T08:00:00Z'],
    [{ at: '2026-02-30T00:00:00Z' }, '"at" must be a time such as 2026-11-22T08:00:00Z'],
    [{ payload: undefined }, '"payload" is required'],
    [{ payload: 'Hello' }, '"payload" must be an object'],
    [{ payload: { text: 'Hello' } }, '"payload.type" is required'],
    [{ sendre: 'ada' }, '"sendre" is not allowed'],
    [{ type: 'conversation.started' }, '"payload" is not allowed'],
  ])('names the field that is wrong in %j', (change, expected) => {
    expect(fault(post(JSON.stringify({ ...message, ...change })))).toBe(expected)
  })

  test.each([
    ['no JSON', post('Hello ada'), '"body" must be JSON in UTF-8'],
    ['no UTF-8', post(Buffer.from([0x22, 0xff, 0x22])), '"body" must be JSON in UTF-8'],
    ['an array', post('[]'), '"body" must be an object'],
    ['another type', post('{}', { 'content-type': 'text/json' }), '"content-type" must be application/json'],
    ['no type', post('{}', { 'content-type': undefined }), '"content-type" is required'],
    ['no id', post('{}', { 'webhook-id': undefined }), '"webhook-id" is required'],
    ['no time', post('{}', { 'webhook-timestamp': 'x' }), '"webhook-timestamp" must be seconds since 1970'],
    ['GET', { ...post(''), method: 'GET' as const }, '"method" must be POST'],
  ])('refuses %s', (_, request, expected) => {
    expect(fault(request)).toBe(expected)
  })

  test('refuses a payload that is nested too deep, and takes one of 99 levels', () => {
    const nested = (levels: number) => `{"type":"x","v":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
    expect(fault(post(`{"sender":"ada","payload":${nested(99)}}`))).toBe('none')
    expect(fault(post(`{"sender":"ada","payload":${nested(100)}}`))).toBe(
      '"body" may nest 100 levels at most',
    )
  })

  test('names no more than the first faults of a body that is all wrong', () => {
    const wrong = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`${i}`.padEnd(60, 'x'), i]))
    expect(fault(post(JSON.stringify(wrong))).length).toBeLessThan(500)
  })
})
