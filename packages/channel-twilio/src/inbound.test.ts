import type { InboundRequest } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { config, endpoints, stage, webhookUrl } from '../test/stage.js'
import { inboundMessage, sign, statusCallback } from '../test/twilio-requests.js'
import { parse } from './inbound.js'
import { verify } from './verify.js'

const { identity: To, sender: From } = endpoints.sms
const from = (fields: Record<string, string>, url = webhookUrl) =>
  inboundMessage(url, { To, From, ...fields })
const eventsOf = (request: InboundRequest) => parse('https://api.twilio.com')(request).events
const verdictOn = (request: InboundRequest) =>
  verify(request, { clientId: 'acme', id: 'integration-1', name: 'main', config, session: undefined })

describe('parse', () => {
  test('answers with the TwiML that says nothing', () => {
    expect(parse('https://api.twilio.com')(from({ Body: 'hi' })).response).toEqual({
      status: 200,
      headers: { 'content-type': 'text/xml' },
      body: '<Response></Response>',
    })
  })

  test.each([
    ['no sid', { MessageSid: '' }],
    ['no sender', { From: '' }],
    ['no recipient', { To: '' }],
    ['an endless sender', { From: '+'.repeat(300) }],
    ['a sender with NUL', { From: '+1\u00004' }],
  ])('refuses a message with %s', (_, fields) => {
    expect(() => eventsOf(from(fields))).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })

  test.each([
    [
      'the profile',
      { ProfileName: 'Ada', ChannelMetadata: '{"data":{"context":{"ProfileName":"Eve"}}}' },
      'Ada',
    ],
    ['the metadata of the channel', { ChannelMetadata: '{"data":{"context":{"ProfileName":"Ada"}}}' }, 'Ada'],
    [
      'no metadata that is none',
      { ChannelMetadata: '{"data":{"context":{"ProfileName":["Ada"]}}' },
      undefined,
    ],
    [
      'no metadata that is nested deeper than other JSON may be',
      {
        ChannelMetadata: `{"data":{"context":{"ProfileName":"Ada"}},"deep":${'['.repeat(101)}${']'.repeat(101)}}`,
      },
      undefined,
    ],
  ])('takes the name of a person from %s', (_, fields, name) => {
    const [event] = eventsOf(from({ Body: 'hi', ...fields }))
    expect(event?.person?.name).toBe(name)
  })

  const media = (MediaUrl0: string, MediaContentType0 = 'image/png') => ({
    NumMedia: '1',
    MediaUrl0,
    MediaContentType0,
  })
  const own = 'https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1'
  test.each([
    ['a file of another host', media('https://evil.example/a.png'), { type: 'text', text: '[image]' }],
    [
      'such a file with words',
      { ...media('https://evil.example/a.png'), Body: 'look' },
      { type: 'text', text: 'look' },
    ],
    ['a file without an address', { NumMedia: '1' }, { type: 'text', text: '[file]' }],
    ['a file without a type', media(own, ''), { type: 'file', media: { ref: own } }],
    ['a type that is none', media(own, 'image'), { type: 'image', media: { ref: own } }],
    ['sound by MMS', media(own, 'audio/ogg'), { type: 'audio', media: { ref: own, mime: 'audio/ogg' } }],
    ['a count that is none', { NumMedia: 'many', Body: 'hi' }, { type: 'text', text: 'hi' }],
    [
      'a place outside of the world',
      { Latitude: '91', Longitude: '0', Body: 'x' },
      { type: 'text', text: 'x' },
    ],
    ['a place that is none', { Latitude: 'north', Longitude: '0', Body: 'x' }, { type: 'text', text: 'x' }],
    ['the place zero', { Latitude: '0', Longitude: '0.0' }, { type: 'location', latitude: 0, longitude: 0 }],
    ['an empty place', { Latitude: '', Longitude: ' ', Body: 'x' }, { type: 'text', text: 'x' }],
    ['half a place', { Latitude: '1', Body: 'x' }, { type: 'text', text: 'x' }],
    [
      'what comes from an advertisement',
      { Body: 'x', ReferralHeadline: 'Sale', ReferralCtwaClid: 'c' },
      { type: 'text', text: 'x', referral: { headline: 'Sale', clickId: 'c' } },
    ],
    ['what was not forwarded', { Body: 'x', Forwarded: 'false' }, { type: 'text', text: 'x' }],
    ['a button without a payload', { ButtonText: 'Yes', Body: 'Yes' }, { type: 'text', text: 'Yes' }],
  ])('reads %s', (_, fields, content) => {
    expect(eventsOf(from(fields))[0]).toMatchObject({ type: 'message', content })
  })

  test.each<[string, Record<string, string>, object]>([
    [
      'a button',
      { Body: 'Confirm', ButtonText: 'Confirm', ButtonPayload: 'confirm_1' },
      { token: 'confirm_1', label: 'Confirm' },
    ],
    ['a list item', { Body: 'x', ListTitle: 'Size M', ListId: 'm' }, { token: 'm', label: 'Size M' }],
    ['a button without words', { ButtonPayload: 'm' }, { token: 'm' }],
    ['a button of a message', { ButtonPayload: 'm', OriginalRepliedMessageSid: 'MM1' }, { refersTo: 'MM1' }],
  ])('reads the press of %s', (_, fields, press) => {
    expect(eventsOf(from(fields))).toMatchObject([{ type: 'choice', ...press }])
  })

  test('takes no more files than Twilio sends', () => {
    expect(eventsOf(from({ NumMedia: '1000000000', Body: 'x' })).length).toBeLessThanOrEqual(11)
  })

  test('reads a reaction that is taken back', () => {
    const fields = { MessageType: 'reaction', OriginalRepliedMessageSid: 'SM7', Body: '' }
    expect(eventsOf(from(fields))).toMatchObject([{ type: 'reaction', messageKey: 'SM7', isRemoved: true }])
  })

  test('has no name and no number of a person that Twilio does not tell', () => {
    expect(eventsOf(from({ From: 'ACME', Body: 'x' }))).toMatchObject([{ person: {} }])
  })
})

describe('a status callback', () => {
  test('comes back for a message that was sent, signed over the whole address', async () => {
    await using set = await stage()
    await set.send({ type: 'text', text: 'hi' }, { deliveryId: 'id/with ü&x' })
    const [message] = set.provider.messages
    if (!message) throw new Error('nothing was sent')
    const callback = sign(statusCallback(message, 'failed', 21610), config)
    expect(verdictOn(callback)).toEqual({ ok: true })
    expect(verdictOn({ ...callback, publicUrl: webhookUrl })).toEqual({ ok: false, reason: 'mismatch' })
    expect(eventsOf(callback)).toEqual([
      {
        type: 'delivery',
        dedupeKey: `${message.sid}:failed`,
        endpoint: endpoints.sms,
        at: new Date(0),
        deliveryId: 'id/with ü&x',
        status: 'failed',
        failure: { kind: 'recipient', code: '21610', message: expect.stringContaining('21610') },
      },
    ])
  })

  const about = { MessageStatus: 'sent', From: To, To: From }
  const callbackUrl = `${webhookUrl}?delivery=delivery-1`
  test.each(['accepted', 'scheduled', 'queued', 'sending', 'partially_delivered', 'no such status'])(
    'tells nothing when it is %s',
    (MessageStatus) => expect(eventsOf(from({ ...about, MessageStatus }, callbackUrl))).toEqual([]),
  )

  test('says when the content was refused, and not of the second form of it', async () => {
    await using set = await stage({ refusedContent: 12300 })
    await set.send({ type: 'text', text: 'words' }, { endpoint: endpoints.whatsApp })
    await set.send({ type: 'image', image: 'https://x.example/a.png' }, { endpoint: endpoints.whatsApp })
    const refusalsOf = (code: number) =>
      set.provider.messages.map((message) => {
        const [event] = eventsOf(sign(statusCallback(message, 'undelivered', code), config))
        return event?.type === 'delivery' && event.status === 'failed' && event.isContentRefused === true
      })
    for (const code of [11200, 11751, 12300, 30011, 30019, 63005, 63013, 63019, 63021, 63034])
      expect(refusalsOf(code), String(code)).toEqual([true, false])
    for (const code of [30003, 30007, 63016, 63018]) expect(refusalsOf(code)).toEqual([false, false])
  })

  test('of a delivery that cannot be one of ours tells nothing', () => {
    const urls = [webhookUrl, `${webhookUrl}?delivery=`, `${webhookUrl}?delivery=${'x'.repeat(300)}`]
    for (const url of urls) expect(eventsOf(from(about, url))).toEqual([])
  })

  test('of a service that found no number to send from has none', () => {
    const fields = { ...about, From: '', MessageStatus: 'failed', ErrorCode: 'none' }
    expect(eventsOf(from(fields, callbackUrl))).toMatchObject([
      { endpoint: { identity: '*' }, failure: { kind: 'ambiguous' } },
    ])
  })

  test('that is no callback but a message with its status is a message', () => {
    const fields = { MessageStatus: 'received', Body: 'hi' }
    expect(eventsOf(from(fields))).toMatchObject([{ type: 'message', content: { text: 'hi' } }])
  })
})
