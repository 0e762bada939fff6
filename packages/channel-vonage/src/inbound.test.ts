import { describe, expect, test } from 'vitest'
import { endpoints, stage } from '../test/stage.js'
import { inboundMessage, statusWebhook } from '../test/vonage-requests.js'
import { parse } from './inbound.js'

const from = (fields: Record<string, unknown>) => parse(inboundMessage(fields)).events
const media = 'https://api-us.nexmo.com/v3/media/1b456509'

describe('a message', () => {
  test('is thanked for with 200', () => {
    expect(parse(inboundMessage({ text: 'hi' })).response).toEqual({ status: 200 })
  })

  test.each([
    ['no id', { message_uuid: undefined }, 'message_uuid'],
    ['no sender', { from: '' }, 'from'],
    ['no recipient', { to: undefined }, 'to'],
    ['an endless sender', { from: '4'.repeat(300) }, 'from'],
    ['a sender with NUL', { from: '44\u0000' }, 'from'],
    ['no channel', { channel: undefined }, 'channel'],
    ['a channel that could be part of another address', { channel: 'sms:1' }, 'channel'],
    // Of version 0.1, which has objects there.
    ['addresses of another version', { from: { type: 'whatsapp', number: '44' } }, 'from'],
  ])('with %s is refused, and the field is named', (_, fields, path) => {
    expect(() => from(fields)).toThrow(expect.objectContaining({ code: 'INVALID' }))
    expect(() => from(fields)).toThrow(path)
  })

  test.each<[string, Record<string, unknown>, object]>([
    ['an empty text', { text: '' }, { type: 'text', text: '[empty message]' }],
    ['no kind', { message_type: undefined, text: 'hi' }, { type: 'text', text: 'hi' }],
    ['nothing', { message_type: undefined }, { type: 'text', text: '[message]' }],
    ['a kind of the future', { message_type: 'hologram' }, { type: 'text', text: '[hologram]' }],
    ['a kind with marks', { message_type: '*]()*<b>' }, { type: 'text', text: '[b]' }],
    [
      'a file of Vonage',
      { message_type: 'image', image: { url: media } },
      { type: 'image', media: { ref: media } },
    ],
    [
      'a file elsewhere',
      { message_type: 'image', image: { url: 'https://cdn.example/a.jpg' } },
      { type: 'image', url: 'https://cdn.example/a.jpg' },
    ],
    [
      'a file of a host that only looks like it',
      { message_type: 'file', file: { url: 'https://evilnexmo.com/v3/media/1' } },
      { type: 'file', url: 'https://evilnexmo.com/v3/media/1' },
    ],
    [
      'a file at no web address',
      { message_type: 'file', file: { url: 'file:///etc/passwd' } },
      { type: 'text', text: '[file]' },
    ],
    ['a file without an address', { message_type: 'audio', audio: {} }, { type: 'text', text: '[audio]' }],
    [
      'a place outside of the world',
      { message_type: 'location', location: { lat: 91, long: 0 } },
      { type: 'text', text: '[location]' },
    ],
    [
      'the place zero',
      { message_type: 'location', location: { lat: 0, long: 0 } },
      { type: 'location', latitude: 0, longitude: 0 },
    ],
    [
      'a quick reply without a value',
      { message_type: 'button', button: { text: 'Yes' } },
      { type: 'text', text: 'Yes' },
    ],
  ])('with %s is read', (_, fields, content) => {
    expect(from(fields)).toMatchObject([{ type: 'message', content }])
  })

  test('has its other files, if one is odd', () => {
    const content = [{ type: 'image', url: media }, null, { url: media }, { type: 'video', url: media }]
    expect(from({ channel: 'mms', content })).toMatchObject([
      { content: { type: 'image', media: { ref: media } } },
      { content: { type: 'text', text: '[message]' } },
      { content: { type: 'text', text: '[message]' } },
      { content: { type: 'video', media: { ref: media } } },
    ])
  })

  test('has at most 20 files', () => {
    const content = Array.from({ length: 100 }, () => ({ type: 'image', url: media }))
    expect(from({ channel: 'mms', content })).toHaveLength(20)
  })

  test.each([
    ['2026-11-22T13:00:00Z', '2026-11-22T13:00:00.000Z'],
    ['2026-11-22 13:00:00 +0000', '2026-11-22T13:00:00.000Z'],
    ['yesterday', new Date(0).toISOString()],
    [undefined, new Date(0).toISOString()],
    [7, new Date(0).toISOString()],
  ])('of %s has the time %s', (timestamp, at) => {
    expect(from({ timestamp, text: 'hi' })[0]?.at.toISOString()).toBe(at)
  })

  test('has a number only where people have numbers', () => {
    expect(from({ channel: 'messenger', from: '4915112345678', text: 'x' })[0]?.person).toEqual({
      name: 'Ada',
    })
    expect(from({ channel: 'sms', from: 'ACME', text: 'x' })[0]?.person).toEqual({ name: 'Ada' })
  })

  test('by SMS and by MMS is in one conversation', () => {
    const [sms, mms] = ['sms', 'mms'].map((channel) => from({ channel, text: 'x' })[0]?.endpoint)
    expect(sms).toEqual(mms)
  })
})

describe('a press', () => {
  test.each([
    [
      'a button',
      { message_type: 'reply', reply: { id: 'm', title: 'Medium' } },
      { token: 'm', label: 'Medium' },
    ],
    ['a button without words', { message_type: 'reply', reply: { id: 'm' } }, { token: 'm' }],
    [
      'a quick reply of a template',
      { message_type: 'button', button: { payload: 'c', text: 'C' } },
      { token: 'c', label: 'C' },
    ],
  ])('of %s is a choice', (_, fields, press) => {
    expect(from(fields)).toMatchObject([{ type: 'choice', ...press }])
  })

  test('names the message that has the button', () => {
    const context = { message_uuid: 'a-b-c', message_from: '447700900000' }
    expect(from({ reply: { id: 'm' }, context })).toMatchObject([{ type: 'choice', refersTo: 'a-b-c' }])
  })
})

describe('a status', () => {
  async function sentMessage(deliveryId = 'delivery-1') {
    await using set = await stage()
    await set.send({ type: 'text', text: 'hi' }, { deliveryId })
    const [message] = set.provider.messages
    if (!message) throw new Error('nothing was sent')
    return message
  }

  test('comes back for a message that was sent, with the reason', async () => {
    const message = await sentMessage()
    expect(parse(statusWebhook(message, 'rejected', '1240')).events).toEqual([
      {
        type: 'delivery',
        dedupeKey: `${message.message_uuid}:rejected`,
        endpoint: endpoints.whatsApp,
        at: new Date('2026-11-22T13:00:01.000Z'),
        deliveryId: 'delivery-1',
        status: 'failed',
        failure: { kind: 'recipient', code: '1240', message: expect.stringContaining('opted out') },
      },
    ])
  })

  test.each(['accepted', 'queued', ''])('that says nothing new (%s) tells nothing', async (status) => {
    expect(parse(statusWebhook(await sentMessage(), status)).events).toEqual([])
  })

  test.each([undefined, '', 'order 7', 'x'.repeat(65), 'delivery-1.3'])(
    'of a message that another program sent (%s) tells nothing',
    async (client_ref) => {
      const message = { ...(await sentMessage()), client_ref: client_ref as string }
      expect(parse(statusWebhook(message, 'delivered')).events).toEqual([])
    },
  )

  test('says when the file was refused, and not of the second form of it', async () => {
    await using set = await stage({ refusesFiles: true })
    await set.send({ type: 'image', image: 'https://media.example/a.png' })
    await set.send({ type: 'text', text: 'words' })
    const refusals = (code: string) =>
      set.provider.messages.map((message) => {
        const [event] = parse(statusWebhook(message, 'rejected', code)).events
        return event?.type === 'delivery' && event.isContentRefused === true
      })
    for (const code of ['1310', '1380', '1381', '1382']) expect(refusals(code), code).toEqual([false, true])
    for (const code of ['1240', '1340', '1000']) expect(refusals(code), code).toEqual([false, false])
  })
})

describe('a person on WhatsApp', () => {
  const aliasesOf = (sender: object, from_ = '447700900001') =>
    from({ from: from_, text: 'x', whatsapp: { sender } })[0]?.aliases

  test('has a number and ids, of which only the number may be another person’s later', () => {
    expect(aliasesOf({ user_id: 'US.1', parent_user_id: 'US.ENT.2', wa_id: '447700900001' })).toEqual([
      { sender: 'US.1' },
      { sender: 'US.ENT.2' },
      { sender: '447700900001', isReassignable: true },
    ])
  })

  test('who hides the number has the ids', () => {
    expect(aliasesOf({ user_id: 'US.1', parent_user_id: 'US.ENT.2' }, 'US.1')).toEqual([
      { sender: 'US.1' },
      { sender: 'US.ENT.2' },
    ])
    expect(aliasesOf({ user_id: 'US.1' }, 'US.1')).toBeUndefined()
  })

  test('of whom Vonage tells only the number has no other address', () => {
    expect(aliasesOf({ wa_id: '447700900001' })).toBeUndefined()
  })
})
