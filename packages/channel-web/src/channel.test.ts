import { channelSuite, faults, readRecordings, usualOutcomes } from '@plugboard/core/testing'
import { test } from 'vitest'
import { web } from './index.js'

const secret = (letter: string) => letter.repeat(32)
const origin = 'https://shop.example'

/** The server itself takes in what visitors write: nobody calls the webhook. */
const NO_PROVIDER = 'there is no provider: visitors use the API of the server'
/** What the bot posts is in the log, which visitors read. */
const NO_CALL = 'nothing is sent: visitors read the log'

const skipped = (names: readonly string[], reason: string) =>
  Object.fromEntries(names.map((name) => [name, reason]))

const cases = channelSuite({
  channel: web,
  fixtures: {
    configs: () => [
      { allowedOrigins: [origin], jwtSecret: secret('a'), previousJwtSecret: secret('b') },
      { jwtSecret: secret('c'), previousJwtSecret: secret('d'), name: 'Shop' },
    ],
    invalidConfigs: {
      'an origin with a path': { allowedOrigins: [`${origin}/chat`] },
      'an origin of another kind': { allowedOrigins: ['ftp://shop.example'] },
      'a wildcard': { allowedOrigins: ['*'] },
      'an origin that is no list': { allowedOrigins: origin },
      'a secret that is too short': { jwtSecret: 'a'.repeat(31) },
      'a key that is none': { jwtPublicKey: '-----BEGIN PUBLIC KEY-----' },
      'a colour that is a name': { colors: { accent: 'red' } },
      'a text that cannot be read on its colour': { colors: { accent: '#2563eb', accentText: '#3b82f6' } },
      'a position that is none': { position: 'top' },
      'a default language that is none of the languages': { languages: ['de'], defaultLanguage: 'en' },
      'a field without a label': { form: { fields: [{ name: 'email' }] } },
      'two fields of one name': {
        form: {
          fields: [
            { name: 'a', label: 'A' },
            { name: 'a', label: 'B' },
          ],
        },
      },
      'a media type that is none': { uploads: { types: ['images'] } },
      'an avatar without https': { avatarUrl: 'http://shop.example/ada.png' },
      'an unknown field': { allowedOrigin: origin },
    },
    recordings: readRecordings(new URL('./fixtures/inbound/', import.meta.url)),
    sign: (request) => request,
    signatureHeaders: [],
    provider: { isFrom: () => false, isVisible: () => false },
    outcomes: usualOutcomes,
    entry: new URL('../dist/index.js', import.meta.url),
    skip: {
      ...skipped(
        [
          'verify accepts the requests of the provider',
          'verify refuses an old request',
          'verify refuses a request from the future',
          'parse finds the events of each recording',
          'parse is pure',
          'parse gives an event the same dedupe key when it is delivered again',
          'parse gives different events different dedupe keys',
        ],
        NO_PROVIDER,
      ),
      'setup says what to do, with the address where the provider calls':
        'the address is that of the script, and nobody calls the webhook',
      'render keeps the longest text in parts within the limit': 'a part has no content: it is in the log',
      ...skipped(
        [
          'a session can be dropped and made again',
          'deliver shows each part once and answers with the ids that the provider gave',
          'deliver shows content at each limit that the channel declares',
          'deliver ends within a second when it is aborted',
          'deliver uses the credentials of the tenant, also when two deliver at once',
          'edit changes a sent part, and may be repeated, fails as classified, and ends when it is aborted',
          'remove takes a sent part away, and may be repeated, fails as classified, and ends when it is aborted',
          ...faults.map((fault) => `a fault is classified: ${fault}`),
        ],
        NO_CALL,
      ),
    },
  },
})

for (const { name, run, skip } of cases) test(name, (context) => (skip ? context.skip(skip) : run()))
