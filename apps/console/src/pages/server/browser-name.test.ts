import { expect, test } from 'vitest'
import { browserOf } from './browser-name.js'

test('a browser is named in two words', () => {
  const mac =
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15'
  const edge = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/122.0.0.0 Safari/537.36 Edg/122.0.0.0'
  const phone =
    'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/122.0.0.0 Mobile Safari/537.36'
  expect([mac, edge, phone, 'curl/8.5.0', undefined].map((name) => browserOf(name))).toEqual([
    'Safari on Mac OS X',
    'Edge on Windows',
    'Chrome on Android',
    'curl',
    'An unknown browser',
  ])
})
