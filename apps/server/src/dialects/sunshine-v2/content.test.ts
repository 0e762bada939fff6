import { expect, test } from 'vitest'
import { fromPayload } from './content.js'

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
