import { capabilitiesAt } from '@plugboard/core'
import { expect, test } from 'vitest'
import { vonage } from './index.js'

const at = (identity: string, sender: string) =>
  capabilitiesAt(vonage.capabilities, { identity, sender, thread: '*' })

test.each([
  ['sms:447700900000', 'sms:447700900001'],
  ['sms:15550001111', 'sms:15550002222'],
  ['messenger:1', 'messenger:2'],
  ['viber_service:1', 'viber_service:2'],
  ['rcs:Acme', 'rcs:447700900001'],
])('from %s, a person gets as many messages as the account may send', (identity, sender) => {
  expect(at(identity, sender).rate).toEqual({ perIntegration: { perSecond: 30, burst: 30 } })
})

test('on WhatsApp, a person gets a message every six seconds', () => {
  expect(at('447700900000', '447700900001').rate?.perEndpoint).toEqual({ perSecond: 0.16, burst: 45 })
})
