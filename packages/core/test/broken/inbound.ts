import type { InboundEvent } from '../../src/channel.js'
import { PlugboardError } from '../../src/errors.js'
import type { JsonObject } from '../../src/json.js'
import { type Change, fixtures, type Runtime } from '../sound-channel.js'

const accept: Runtime['verify'] = () => ({ ok: true })

const withContext = <T extends { events: InboundEvent[] }>(received: T, context: JsonObject): T => ({
  ...received,
  events: received.events.map((event) => ({ ...event, context })),
})

/** Events with other fields, of a channel that declares what may be renamed. */
function withFields(fields: object, renames?: readonly 'sender'[]): Change {
  const changed = <T extends { events: InboundEvent[] }>(received: T): T => ({
    ...received,
    events: received.events.map((event) => ({ ...event, ...fields }) as InboundEvent),
  })
  return {
    definition: {
      capabilities: { content: ['text'], maxTextLength: 60, context: true, ...(renames && { renames }) },
    },
    runtime: (s) => ({ parse: (r, i) => changed(s.parse(r, i)) }),
    fixtures: { recordings: fixtures.recordings.map(changed) },
  }
}

const routed: NonNullable<Runtime['route']> = () => ({ verdict: { ok: true }, accounts: ['ada', 'bob'] })

/** What comes to a URL that many integrations share. */
export const shared: Record<string, Change[]> = {
  'route finds the accounts of a shared request': [
    { runtime: () => ({ route: () => undefined }) },
    { runtime: () => ({ route: () => ({ verdict: { ok: true }, accounts: ['ada'] }) }) },
    { runtime: () => ({ route: () => ({ verdict: { ok: false, reason: 'mismatch' }, accounts: [] }) }) },
    { runtime: (s) => ({ route: (r) => s.route?.({ ...r, body: new Uint8Array() }) }) },
  ],
  'parse gives each integration the events of its own account only': [
    { runtime: (s) => ({ parse: (r, i) => s.parse(r, { ...i, config: { ...i.config, name: 'ada' } }) }) },
    { runtime: () => ({ parse: () => ({ events: [], response: { status: 204 } }) }) },
  ],
  'route refuses a shared request of which one byte is changed': [{ runtime: () => ({ route: routed }) }],
  'route refuses forged headers, and gives a verdict on any body, without throwing': [
    { runtime: () => ({ route: routed }) },
    {
      runtime: (s) => ({
        async route(r) {
          const result = await s.route?.(r)
          if (result?.verdict.ok) JSON.parse(Buffer.from(r.body).toString())
          return result
        },
      }),
    },
  ],
  'route refuses an old shared request, if the provider signs the time': [
    { runtime: () => ({ route: routed }) },
  ],
}

/** What comes in: verify and parse. */
export const inbound: Record<string, Change[]> = {
  'verify accepts the requests of the provider': [
    { runtime: () => ({ verify: () => ({ ok: false, reason: 'mismatch' }) }) },
  ],
  'verify refuses a body of which one byte is changed': [{ runtime: () => ({ verify: accept }) }],
  'verify refuses a signature header of which one character is changed': [
    { runtime: () => ({ verify: accept }) },
  ],
  'verify refuses a request without a signature header': [{ runtime: () => ({ verify: accept }) }],
  'verify refuses the signature of another tenant': [{ runtime: () => ({ verify: accept }) }],
  'verify refuses an old request': [{ runtime: () => ({ verify: accept }) }],
  'verify refuses a request from the future': [{ runtime: () => ({ verify: accept }) }],
  'verify refuses forged headers without throwing': [
    { runtime: () => ({ verify: accept }) },
    {
      runtime: (s) => ({
        verify: (r, i) => (r.headers['x-time'] ? s.verify(r, i) : JSON.parse('')),
      }),
    },
  ],
  'verify gives a verdict on any body without throwing': [
    { runtime: () => ({ verify: ({ body }) => JSON.parse(Buffer.from(body).toString()) }) },
  ],
  'parse finds the events of each recording': [
    { runtime: () => ({ parse: () => ({ events: [], response: { status: 200 } }) }) },
    { runtime: (s) => ({ parse: (r, i) => ({ ...s.parse(r, i), response: { status: 0 } }) }) },
    {
      runtime: (s) => ({ parse: (r, i) => withContext(s.parse(r, i), { last: 'x'.repeat(5000) }) }),
      fixtures: {
        recordings: fixtures.recordings.map((each) => withContext(each, { last: 'x'.repeat(5000) })),
      },
    },
    { definition: { capabilities: { content: ['text'], maxTextLength: 60 } } },
    withFields({ aliases: [{ sender: 'other' }] }),
    withFields({ type: 'renamed', to: { identity: '*', sender: 'other', thread: '*' } }),
    withFields({ aliases: [{ sender: '' }] }, ['sender']),
    withFields({ type: 'renamed', to: { identity: '*', sender: 'ada', thread: '*' } }, ['sender']),
  ],
  'parse is pure': [
    {
      runtime: (s) => ({
        parse: (r, i) => ({ ...s.parse(r, i), response: { status: 200, body: `${Date.now()}` } }),
      }),
    },
    {
      runtime: (s) => ({
        parse(r, i) {
          const received = s.parse(r, i)
          r.body.fill(0)
          return received
        },
      }),
    },
  ],
  'parse gives an event the same dedupe key when it is delivered again': [
    {
      runtime: (s) => ({
        parse(r, i) {
          const { events, response } = s.parse(r, i)
          return { events: events.map((e) => ({ ...e, dedupeKey: `${r.headers['x-time']}` })), response }
        },
      }),
    },
  ],
  'parse gives different events different dedupe keys': [
    {
      runtime: (s) => ({
        parse(r, i) {
          const { events, response } = s.parse(r, i)
          return { events: events.map((e) => ({ ...e, dedupeKey: 'key' })), response }
        },
      }),
    },
    { fixtures: { recordings: fixtures.recordings.slice(0, 1) } },
  ],
  'parse answers a hostile request with storable events or with INVALID': [
    { runtime: () => ({ parse: ({ body }) => JSON.parse(Buffer.from(body).toString()) }) },
    {
      runtime: (s) => ({
        parse(r, i) {
          try {
            return s.parse(r, i)
          } catch (error) {
            throw new PlugboardError('INVALID', `${error} ${Buffer.from(r.body)}`)
          }
        },
      }),
    },
  ],
}
