import { expect, test } from 'vitest'
import { setup } from './setup.js'

test('setup has the line of HTML for the integration', () => {
  const line = (name: string) => `<script src="https://hub.example/base/web/v1/${name}.js" defer></script>`
  expect(setup('https://hub.example/base/webhooks/v1/acme/web')).toContain(line('acme'))
  expect(setup('https://hub.example/base/webhooks/v1/acme/shop')).toContain(line('acme~shop'))
})
