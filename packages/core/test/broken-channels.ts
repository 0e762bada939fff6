import { get } from 'node:http'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { PlugboardError } from '../src/errors.js'
import {
  type Change,
  type Config,
  config,
  dataModule,
  fixtures,
  marked,
  type Runtime,
} from './sound-channel.js'

const accept: Runtime['verify'] = () => ({ ok: true })
const opensSocket = "(await import('node:net')).connect(9, '127.0.0.1').on('error', () => {})"
const zodUrl = pathToFileURL(createRequire(import.meta.url).resolve('zod'))
const textOf = (args: unknown): string => z.object({ text: z.string().catch('') }).parse(args).text
let drifting = 0
const nothing = (): void => undefined
const never = Promise.reject(new Error('the sound channel lacks this'))
never.catch(nothing)
const wrong: Runtime['classify'] = () => ({ kind: 'invalid', message: 'no' })
/** The same call by nobody. */
const anonymous = <Context extends { integration: Parameters<Runtime['verify']>[1] }>(
  context: Context,
): Context => ({
  ...context,
  integration: { ...context.integration, session: { token: 'nobody' } },
})
const after = <T>(_: unknown, value: T): T => value

/** One way, or more, to break each rule. */
export const broken: Record<string, Change[]> = {
  'the channel is made by defineChannel, for this major version of the contract': [
    { definition: { contract: 2 } },
  ],
  'its name can be a segment of a path, and its version is semantic': [
    { definition: { name: 'Not A Segment' } },
    { definition: { version: 'v1' } },
  ],
  'its capabilities are of known types and sensible sizes': [
    { definition: { capabilities: { content: ['text'], maxTextLength: 0 } } },
    { definition: { capabilities: { content: ['image'], maxTextLength: 60 } } },
    { definition: { capabilities: { content: ['text', 'single-choice'], maxTextLength: 60 } } },
  ],
  'a valid configuration is accepted, also when it comes back from the store': [
    { definition: { config: config.transform((value) => ({ ...value, url: `${value.url}#` })) } },
    { definition: { config: config.refine(() => false) } },
  ],
  'each secret is a field of the configuration, and text': [{ definition: { secrets: ['password'] } }],
  'an invalid configuration is refused with the reason': [
    { definition: { config: z.object({ url: z.string(), token: z.string() }) } },
    { definition: { config: config.catch({ url: 'http://a', token: 'token' }) } },
  ],
  'an import alone loads no SDK, opens nothing and lets the process end': [
    { fixtures: { entry: dataModule('export default {}') } },
    { fixtures: { entry: dataModule(`${marked}; setInterval(() => process.exit(1), 50)`) } },
    { fixtures: { entry: dataModule(`${marked}; ${opensSocket}`) } },
    { fixtures: { entry: dataModule(`${marked}; import '${zodUrl}'`), lazy: ['zod'] } },
  ],
  'connect is quick, makes no request and starts no timer': [
    { runtime: (s) => ({ connect: (c) => after(setTimeout(nothing, 50), s.connect(c)) }) },
    { runtime: (s) => ({ connect: (c) => after(get(c.url).on('error', nothing), s.connect(c)) }) },
    {
      runtime: (s) => ({
        connect(c) {
          for (const started = performance.now(); performance.now() - started < 25; );
          return s.connect(c)
        },
      }),
    },
  ],
  'a session can be dropped and made again': [
    {
      runtime: (s) => ({
        connect: (() => {
          let made = 0
          return (c: Config) => (made++ < 2 ? s.connect(c) : { token: '\n' })
        })(),
      }),
    },
  ],
  'nothing stays open once the sessions are dropped': [
    { runtime: (s) => ({ connect: (c) => after(setTimeout(nothing, 4000), s.connect(c)) }) },
  ],
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
  'render makes parts of plain JSON of each content type': [
    { runtime: () => ({ render: () => [] }) },
    { runtime: () => ({ render: (content) => [{ call: 'send', args: { title: `${content.title}` } }] }) },
    { runtime: (s) => ({ render: (c, e) => s.render(Object.assign(c, { seen: true }), e) }) },
  ],
  'render gives the same parts each time': [
    { runtime: () => ({ render: () => [{ call: 'send', args: { id: drifting++ } }] }) },
  ],
  'render keeps the longest text in parts within the limit': [
    { runtime: () => ({ render: (content) => [{ call: 'send', args: { text: `${content.text}!` } }] }) },
    { runtime: () => ({ render: () => [{ call: 'send', args: { text: '' } }] }) },
  ],
  'render takes as many buttons, with labels as long, as the channel says': [
    { runtime: () => ({ render: (content) => [{ call: 'send', args: { text: String(content.text) } }] }) },
  ],
  'deliver shows each part once and answers with the ids that the provider gave': [
    { runtime: () => ({ deliver: async () => ({ providerMessageIds: ['theirs'] }) }) },
    { runtime: (s) => ({ deliver: (p, c) => s.deliver(p, c).then(() => s.deliver(p, c)) }) },
    { runtime: (s) => ({ deliver: (p, c) => s.deliver(p, c).then(() => ({ providerMessageIds: [] })) }) },
  ],
  'deliver ends within a second when it is aborted': [
    { runtime: (s) => ({ deliver: (p, c) => s.deliver(p, { ...c, signal: AbortSignal.timeout(1500) }) }) },
  ],
  'deliver gives a part the same idempotency key at each attempt': [
    { runtime: (s) => ({ deliver: (p, c) => s.deliver(p, { ...c, deliveryId: `${drifting++}` }) }) },
    { runtime: (s) => ({ deliver: (p, c) => s.deliver(p, { ...c, deliveryId: textOf(p.args) }) }) },
  ],
  'deliver uses the credentials of the tenant, also when two deliver at once': [
    {
      runtime: (s) => {
        let session = { token: '' }
        return {
          async deliver(part, context) {
            session = context.integration.session
            await new Promise(setImmediate)
            return s.deliver(part, { ...context, integration: { ...context.integration, session } })
          },
        }
      },
    },
  ],
  ...Object.fromEntries(
    Object.entries(fixtures.outcomes).map(([fault, kind]) => [
      `a fault is classified: ${fault}`,
      [
        {
          runtime: () => ({
            classify: () => ({ kind: kind === 'recipient' ? 'auth' : 'recipient', message: 'x' }),
          }),
        },
        { runtime: () => ({ deliver: async () => ({ providerMessageIds: ['theirs'] }) }) },
        {
          runtime: (s: Runtime): Partial<Runtime> => ({
            deliver: (p, c) => s.deliver(p, c).catch(() => s.deliver(p, c)),
            classify: (e) => ({ ...s.classify(e), message: `${Object(e).status}` }),
          }),
        },
      ].slice(0, ['refused', 'hang', 'endless'].includes(fault) ? 2 : 3),
    ]),
  ),
  'classify answers for whatever is thrown': [
    { runtime: () => ({ classify: (error) => ({ kind: 'auth', message: (error as Error).message }) }) },
  ],
  'no secret is in what the check of a configuration says': [
    {
      definition: {
        config: config.refine(() => false, { error: ({ input }) => `not ${Object(input).token}` }),
      },
      fixtures: { invalidConfigs: { 'no url': { url: 'http://a', token: 'token-of-carol' } } },
    },
  ],
  'no secret is in an event, a part, a log line, an error or a failure': [
    {
      runtime: (s, { logger }) => ({
        deliver(p, c) {
          logger.debug({ session: c.integration.session }, 'delivering')
          return s.deliver(p, c)
        },
      }),
    },
    {
      runtime: (s) => ({
        deliver: (p, c) =>
          s.deliver(p, c).catch((cause) => {
            throw new Error('failed', {
              cause: new Error(`GET /bot${c.integration.config.token}`, { cause }),
            })
          }),
      }),
    },
    {
      runtime: (s) => ({
        parse: (r, i) => ({ ...s.parse(r, i), response: { status: 200, body: i.config.token } }),
      }),
    },
  ],
  'render keeps the token behind each button whole': [
    {
      runtime: (s) => ({
        render: (c, e) =>
          s.render(c, e).map(({ call, args }) => ({
            call,
            args: JSON.parse(JSON.stringify(args).replace(/"value":"(.{39})./g, '"value":"$1')),
          })),
      }),
    },
  ],
  'check passes with credentials that work, fails as classified, and ends when it is aborted': [
    { runtime: () => ({ check: async () => undefined }) },
    { runtime: () => ({ check: () => Promise.reject(new Error('no')) }) },
    { runtime: (s) => ({ check: (c) => s.check?.({ ...c, signal: AbortSignal.timeout(1500) }) ?? never }) },
    { runtime: (s) => ({ check: (c) => s.check?.(c).catch(() => s.check?.(c)) ?? never, classify: wrong }) },
  ],
  'provision and unprovision may be repeated, fail as classified, and end when aborted': [
    { runtime: () => ({ provision: async () => undefined }) },
    {
      runtime: (s) => ({
        unprovision: (c) =>
          drifting++ % 2 ? Promise.reject(new Error('again')) : (s.unprovision?.(c) ?? never),
      }),
    },
  ],
  'indicateTyping is done with the credentials of the tenant, and ends when it is aborted': [
    { runtime: () => ({ indicateTyping: () => Promise.reject(new Error('no')) }) },
    { runtime: (s) => ({ indicateTyping: (c) => s.indicateTyping?.(anonymous(c)) ?? never }) },
    { runtime: (s) => ({ indicateTyping: (c) => s.indicateTyping?.(c).catch(nothing) ?? never }) },
  ],
  'openMedia gives the file, with the credentials of the tenant': [
    { runtime: (s) => ({ openMedia: (_, c) => s.openMedia?.('another', c) ?? never }) },
    { runtime: (s) => ({ openMedia: (r, c) => s.openMedia?.(r, anonymous(c)) ?? never }) },
    {
      runtime: (s) => ({
        openMedia: async (r, c) => ({ ...(await (s.openMedia?.(r, c) ?? never)), size: 1 }),
      }),
    },
  ],
  'openMedia sends no credentials to where a forged reference points': [
    {
      runtime: (_, { fetch }) => ({
        async openMedia(ref, { integration, signal }) {
          const headers = { authorization: `Bearer ${integration.config.token}` }
          const { body } = await fetch(`${ref}`, { headers, signal })
          return { body: body as NonNullable<typeof body> }
        },
      }),
    },
  ],
  'account is text, the same each time, and holds no secret': [
    { definition: { account: ({ token }) => `bot of ${token}` } },
    { definition: { account: () => '' } },
    { definition: { account: () => `${drifting++}` } },
  ],
  'setup says what to do, with the address where the provider calls': [
    { definition: { setup: () => 'Do something' } },
  ],
}
