import fc from 'fast-check'
import { expect, test } from 'vitest'
import { configOf, labelOf, textsOf } from './schema-values.js'

const schema = {
  type: 'object',
  properties: {
    botToken: { type: 'string' },
    retries: { type: 'number' },
    isQuiet: { type: 'boolean' },
    allowedOrigins: { type: 'array', items: { type: 'string' } },
    colors: { type: 'object' },
  },
}

test('what a form shows of a configuration is the configuration again', () => {
  const line = fc.stringMatching(/^[a-z:/.]{1,20}$/)
  const config = fc.record(
    {
      botToken: line,
      retries: fc.integer(),
      isQuiet: fc.boolean(),
      allowedOrigins: fc.array(line, { minLength: 1 }),
      colors: fc.dictionary(line, line),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  fc.assert(
    fc.property(config, (value) => {
      expect(configOf(schema, textsOf(schema, value))).toEqual(value)
    }),
  )
})

test('empty fields are left out, and so are empty lines', () => {
  expect(
    configOf(schema, { botToken: ' ', allowedOrigins: 'https://a.example\n\n https://b.example ' }),
  ).toEqual({
    allowedOrigins: ['https://a.example', 'https://b.example'],
  })
})

test('what is no JSON is sent as text, since the server says what it expects', () => {
  expect(configOf(schema, { colors: '{accent', retries: 'three' })).toEqual({
    colors: '{accent',
    retries: 'three',
  })
})

test('names become labels', () => {
  expect(
    ['botToken', 'accountSID', 'from', 'API_KEY', 'messagingServiceSid'].map((name) => labelOf(name, {})),
  ).toEqual(['Bot token', 'Account SID', 'From', 'API KEY', 'Messaging service sid'])
  expect(labelOf('x', { title: 'Telephone number' })).toBe('Telephone number')
})
