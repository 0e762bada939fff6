import { get } from 'node:http'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { type Change, type Config, config, dataModule, marked } from '../sound-channel.js'

const opensSocket = "(await import('node:net')).connect(9, '127.0.0.1').on('error', () => {})"
const zodUrl = pathToFileURL(createRequire(import.meta.url).resolve('zod'))
const nothing = (): void => undefined
const after = <T>(_: unknown, value: T): T => value

/** What the channel says of itself, and what it does when it is imported and connected. */
export const declared: Record<string, Change[]> = {
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
    ...[
      { perSecond: 0, burst: 1 },
      { perSecond: 1, burst: 0.5 },
    ].map((pace) => ({
      definition: {
        capabilities: { content: ['text'] as const, maxTextLength: 60, rate: { perEndpoint: pace } },
      },
    })),
    ...[
      { batch: { max: 1 } },
      { renames: ['identity' as 'sender'] },
      { window: { hours: 0, allows: 'templates' } },
      { window: { hours: 24, allows: ' ' } },
    ].map((more) => ({
      definition: { capabilities: { content: ['text'] as const, maxTextLength: 60, ...more } },
    })),
  ],
  'requests of the provider are as the channel says': [
    { definition: { inbound: { headers: ['x-nobody-sends-this'] } } },
    { definition: { inbound: { maxBytes: 10 } } },
    { definition: { inbound: { maxJsonValues: 0 } } },
  ],
  'a valid configuration is accepted, also when it comes back from the store': [
    { definition: { config: config.transform((value) => ({ ...value, url: `${value.url}#` })) } },
    { definition: { config: config.refine(() => false) } },
  ],
  'each secret is a field of the configuration, and text': [{ definition: { secrets: ['password'] } }],
  'each target is a field of the configuration, and an address': [{ definition: { targets: ['token'] } }],
  'an invalid configuration is refused with the reason': [
    { definition: { config: z.object({ url: z.string(), token: z.string() }) } },
    { definition: { config: config.catch({ url: 'http://a', token: 'token' }) } },
  ],
  'a fault of a configuration is named although there is another one': [
    {
      definition: {
        config: config.refine(({ url }) => url !== 'http://b', { path: ['url'], error: 'is wrong' }),
      },
      fixtures: { invalidConfigs: { 'a wrong address': { url: 'http://b', token: 'a long token' } } },
    },
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
}
