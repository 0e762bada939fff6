import { type InboundRequest, isPlugboardError } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { parse } from './inbound.js'

const now = new Date('2026-11-22T08:00:00Z')
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
