import { newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { userJson } from './map.js'

const phone = { type: 'phoneNumber', value: '+16505551234', verification: 'channel' }
const email = { type: 'email', value: 'ada@example.com', verification: 'channel' }

test.each<[string, Record<string, string>, object[]]>([
  ['a number that the channel vouches for', { phone: phone.value, verified: 'phone' }, [phone]],
  ['both', { phone: phone.value, email: email.value, verified: 'email phone' }, [email, phone]],
  ['none of what a person only said', { phone: phone.value, email: email.value }, []],
  ['none of what is not there', { name: 'Ada', verified: 'phone email' }, []],
  ['none of nobody', {}, []],
])('the identities of a user are %s', (_, data, identities) => {
  const user = { id: newId(), clientId: newId(), createdAt: new Date(), data, facts: {} }
  expect(userJson(user).identities).toEqual(identities)
})
