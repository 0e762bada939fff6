import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { configSchema, textIn } from './config.js'
import { contrastOf } from './contrast.js'

const faults = (config: object) => {
  const { error } = configSchema.safeParse(config)
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')} ${message}`)
}

test('a site needs to configure nothing', () => {
  expect(configSchema.parse({})).toEqual({
    allowedOrigins: [],
    name: 'Chat',
    languages: ['en', 'de', 'fr', 'es', 'pt', 'hi', 'ar'],
    position: 'right',
    colors: { accent: '#2563eb', accentText: '#ffffff' },
    uploads: {
      maxBytes: 10_485_760,
      types: ['image/*', 'audio/*', 'video/*', 'application/pdf', 'text/plain'],
    },
  })
})

test('an origin is kept as browsers write it', () => {
  const { allowedOrigins } = configSchema.parse({
    allowedOrigins: ['https://Shop.example', 'https://bücher.example:443/', 'http://localhost:8080'],
  })
  expect(allowedOrigins).toEqual([
    'https://shop.example',
    'https://xn--bcher-kva.example',
    'http://localhost:8080',
  ])
})

const { publicKey: p256 } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const { publicKey: p384 } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

describe('what is wrong is named', () => {
  test.each<[object, string]>([
    [
      { allowedOrigins: ['https://shop.example/a'] },
      'allowedOrigins.0 must be an origin such as https://shop.example: http or https, without a path',
    ],
    [
      { allowedOrigins: ['https://a;sandbox'] },
      'allowedOrigins.0 must be an origin such as https://shop.example: http or https, without a path',
    ],
    [
      { allowedOrigins: ['https://a;sandbox'] },
      'allowedOrigins.0 must be an origin such as https://shop.example: http or https, without a path',
    ],
    [
      { allowedOrigins: ['null'] },
      'allowedOrigins.0 must be an origin such as https://shop.example: http or https, without a path',
    ],
    [
      { allowedOrigins: ['https://ada@shop.example'] },
      'allowedOrigins.0 must be an origin such as https://shop.example: http or https, without a path',
    ],
    [
      { colors: { accent: '#777777', accentText: '#888888' } },
      'colors.accentText must have a contrast of at least 4.5 with accent',
    ],
    [{ colors: { accent: '#fff' } }, 'colors.accent must be a colour such as #2563eb'],
    [{ jwtSecret: 'short' }, 'jwtSecret must have at least 32 characters'],
    [
      { jwtPublicKey: p384.export({ type: 'spki', format: 'pem' }) },
      'jwtPublicKey must be a P-256 public key in PEM form: -----BEGIN PUBLIC KEY-----',
    ],
    [
      { jwtPublicKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) },
      'jwtPublicKey must be a P-256 public key in PEM form: -----BEGIN PUBLIC KEY-----',
    ],
    [
      { form: { fields: [{ name: 'verified', label: 'x' }] } },
      'form.fields.0.name must not be "verified", which says what the site vouches for',
    ],
    [
      { form: { fields: [{ name: 'a b', label: 'x' }] } },
      'form.fields.0.name must be a letter, then letters, digits and _',
    ],
    [{ languages: ['English'] }, 'languages.0 must be a language such as en or pt-BR'],
    [{ nme: 'x' }, ' Unrecognized key: "nme"'],
    [
      { languages: ['en', 'it'] },
      'languages.1 must be a language that the chat speaks: en, de, fr, es, pt, hi, ar',
    ],
    [{ greeting: { en: 'Hi', ja: 'Yo' } }, 'greeting.ja must be one of languages'],
    [{ languages: ['en'], greeting: { 'de-CH': 'Hoi' } }, 'greeting.de-CH must be one of languages'],
    [
      { form: { fields: [{ name: 'a', label: { it: 'x' } }] } },
      'form.fields.0.label.it must be one of languages',
    ],
    [{ defaultLanguage: 'ja' }, 'defaultLanguage must be one of languages'],
    [
      { greeting: 7 },
      'greeting must be text of at most 1000 characters, or such texts by language: {"en": "Hello", "de": "Hallo"}',
    ],
    [{ uploads: { maxBytes: 2 ** 31 } }, 'uploads.maxBytes must be at most 1073741824'],
  ])('in %j', (config, fault) => {
    expect(faults(config)).toEqual([fault])
  })
})

test('a public key of P-256 is taken', () => {
  expect(faults({ jwtPublicKey: p256.export({ type: 'spki', format: 'pem' }) })).toEqual([])
})

test('without a colour of its own, text on the accent is black or white, whichever can be read', () => {
  for (const accent of ['#000000', '#ffffff', '#ffff00', '#2563eb', '#767676', '#ff0000']) {
    const { colors } = configSchema.parse({ colors: { accent } })
    expect(contrastOf(colors.accent, colors.accentText)).toBeGreaterThanOrEqual(4.5)
  }
})

test('a text comes in the language, or in the nearest one', () => {
  const hello = { en: 'Hello', de: 'Hallo', 'pt-BR': 'Oi' }
  expect(textIn(hello, 'de', 'en')).toBe('Hallo')
  expect(textIn(hello, 'de-CH', 'en')).toBe('Hallo')
  expect(textIn(hello, 'pt-BR', 'en')).toBe('Oi')
  expect(textIn(hello, 'ja', 'en')).toBe('Hello')
  expect(textIn({ de: 'Hallo' }, 'ja', 'en')).toBe('Hallo')
  expect(textIn(hello, '__proto__', 'en')).toBe('Hello')
  expect(textIn('Hi', 'de', 'en')).toBe('Hi')
})
