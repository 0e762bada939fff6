import { expect, test } from 'vitest'
import { fromPayload, toPayload } from './content.js'

test('labels that are too long are cut between characters', () => {
  const long = `a${'👋'.repeat(200)}`
  const button = { action: 'Say something', title: long, text: long }
  const payloads = [
    { type: 'text', text: 'hi', choices: [{ title: long, value: long }] },
    { type: 'card', title: long, subtitle: long, actions: [button, { action: 'Open URL', url: long }] },
  ]
  for (const payload of payloads) {
    const labels = JSON.stringify(fromPayload(payload)).match(/"(title|description|text)":"a[^"]*"/g) ?? []
    expect(labels).not.toHaveLength(0)
    for (const label of labels)
      expect(JSON.parse(`{${label}}`)).toEqual({ [label.split('"')[1] ?? '']: `a${'👋'.repeat(63)}` })
  }
})

test('the shorthand of a WhatsApp template is a template, with its fallback as the text', () => {
  const fields =
    'namespace=[[ns]] template=[[order_sent]] fallback=[[Hi Ada,\nsent]] language=[[de]] body_text=[[Ada]] body_text=[[7]]'
  expect(toPayload({ type: 'text', text: ` &((${fields}))& ` })).toEqual({
    ...{ type: 'template', name: 'order_sent', language: 'de' },
    ...{ parameters: ['Ada', '7'], text: 'Hi Ada,\nsent' },
  })
})

test('a text that is not that shorthand alone stays a text', () => {
  const template = '&((template=[[order_sent]] language=[[de]]))&'
  const texts = [
    `Hello ${template}`,
    '&((template=[[order_sent]]))&',
    '&((x))&',
    `&((${'[[a='.repeat(1000)}))&`,
  ]
  for (const text of texts) expect(toPayload({ type: 'text', text })).toEqual({ type: 'text', text })
})
