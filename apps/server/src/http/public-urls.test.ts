import { expect, test } from 'vitest'
import { PublicUrls } from './public-urls.js'

test.each<[string | undefined, boolean]>([
  [undefined, false],
  ['https://hub.example', true],
  ['https://hub.example/base', true],
  ['http://203.0.114.7:3100', true],
  ['https://[2a00:1450::5]', true],
  ['http://localhost:3100', false],
  ['http://hub:3100', false],
  ['http://127.0.0.1:3100', false],
  ['https://192.168.1.5', false],
  ['https://[fd00::1]', false],
])('providers can call EXTERNAL_URL %s: %s', (externalUrl, isPublic) => {
  const urls = new PublicUrls({ host: '127.0.0.1', port: 3100, externalUrl })
  expect(urls.isPublic).toBe(isPublic)
})
