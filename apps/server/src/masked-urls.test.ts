import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withMaskedUrls } from './masked-urls.js'

test.each([
  ['https://bot.example/hook', 'https://bot.example/hook'],
  ['https://bot.example/hook?token=hunter2&x=1#part', 'https://bot.example/hook?…'],
  ['https://bot.example/hook#hunter2', 'https://bot.example/hook#…'],
  ['https://user:hunter2@bot.example:8443/a/b', 'https://***@bot.example:8443/a/b'],
  ['https://hunter2@x@bot.example/', 'https://***@bot.example/'],
  [
    'https://hooks.slack.com/services/T012/B012/abcdefGHIJKL012345678901',
    'https://hooks.slack.com/services/T012/B012/…',
  ],
  ['https://hooks.zapier.com/hooks/catch/1234567/bzp5kq1/', 'https://hooks.zapier.com/hooks/catch/…/…/'],
  ['http://127.0.0.1:3100/api/v1/messages/v2beta1', 'http://127.0.0.1:3100/api/v1/messages/…'],
  ['https://bot.example/2024/bot-2', 'https://bot.example/2024/bot-2'],
  ['https://api.telegram.org/bot123456:AAhunter2hunter2/sendPhoto', 'https://api.telegram.org/…/sendPhoto'],
  ['MONGODB+SRV://me:hunter2@db.example/hub?authSource=admin', 'MONGODB+SRV://***@db.example/hub?…'],
])('%s becomes %s', (url, shown) => {
  expect(withMaskedUrls(url)).toBe(shown)
  expect(withMaskedUrls(`cannot call ${url} or "${url}"`)).toBe(`cannot call ${shown} or "${shown}"`)
})

test('leaves stack traces as they are', () => {
  const trace = 'at start (file:///srv/node_modules/@plugboard/server/dist/a-very-long-file-name.js:12:3)'
  expect(withMaskedUrls(trace)).toBe(trace)
})

test('shows no secret, wherever it stands, and keeps a line of the log JSON', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9_-]{24,64}$/)
  const place = fc.constantFrom<(secret: string) => string>(
    (s) => `https://x.example/${s}`,
    (s) => `https://x.example/a/${s}/b`,
    (s) => `https://x.example/?${s}`,
    (s) => `https://x.example/a?b=c&d=${s}`,
    (s) => `https://${s}@x.example/`,
    (s) => `https://me:${s}@x.example/`,
    (s) => `wss://x.example/a#${s}`,
  )
  const around = fc.constantFrom('', ' ', '"', '\n', '\\', '(', 'see ')
  fc.assert(
    fc.property(secret, place, around, around, (text, urlWith, before, after) => {
      const line = JSON.stringify({ target: `${before}${urlWith(text)}${after}`, msg: urlWith(text) })
      const masked = withMaskedUrls(line)
      expect(masked).not.toContain(text)
      expect(Object.keys(JSON.parse(masked))).toEqual(['target', 'msg'])
    }),
  )
})

test('takes time that grows with the text alone', () => {
  for (const text of [
    'a://'.repeat(50_000),
    `a://${'@'.repeat(200_000)}`,
    `${'a'.repeat(200_000)}://`,
    '://?'.repeat(50_000),
  ]) {
    const start = performance.now()
    withMaskedUrls(text)
    expect(performance.now() - start).toBeLessThan(1_000)
  }
})
