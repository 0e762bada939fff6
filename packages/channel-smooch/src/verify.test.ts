import { expect, test } from 'vitest'
import { messageEvent, sign, webhookRequest } from '../test/smooch-requests.js'
import { config, stage } from '../test/stage.js'

const request = webhookRequest([messageEvent({ type: 'text', text: 'hi' })])
const withKey = (key: string) => ({ ...request, headers: { ...request.headers, 'x-api-key': key } })

test.each<[string, typeof request, object]>([
  ['with the secret of the webhook is taken', sign(request, config), { ok: true }],
  ['without a secret is refused', request, { ok: false, reason: 'missing' }],
  ['with an empty secret is refused', withKey(''), { ok: false, reason: 'missing' }],
  [
    'with a shorter secret is refused',
    withKey(config.webhookSecret.slice(1)),
    { ok: false, reason: 'mismatch' },
  ],
  ['with a longer secret is refused', withKey(`${config.webhookSecret}x`), { ok: false, reason: 'mismatch' }],
  ['with the secret of the key is refused', withKey(config.keySecret), { ok: false, reason: 'mismatch' }],
  [
    'that is a GET is refused',
    { ...sign(request, config), method: 'GET' },
    { ok: false, reason: 'malformed' },
  ],
])('a request %s', async (_, signed, verdict) => {
  await using set = await stage()
  expect(await set.runtime.verify(signed, set.integration)).toEqual(verdict)
})
