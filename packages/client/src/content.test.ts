import { expect, expectTypeOf, test } from 'vitest'
import { type Content, type CustomContent, customContent, type Payload, type TextContent } from './content.js'

test('a payload narrows by its type, also beside custom content', () => {
  const read = (payload: Payload) => {
    if (payload.type === 'text') {
      expectTypeOf(payload).toEqualTypeOf<TextContent>()
      return payload.text
    }
    if (payload.type === 'image') return 'url' in payload ? payload.url : payload.image
    return String(payload.type)
  }
  expect(read({ type: 'text', text: 'hi' })).toBe('hi')
  expect(read({ type: 'image', url: 'https://provider.example/1.png' })).toBe(
    'https://provider.example/1.png',
  )
  expect(read(customContent({ type: 'invoice', total: 12 }))).toBe('invoice')
})

test('a known type must have its fields, and the right ones', () => {
  // @ts-expect-error text is missing
  const empty: Payload = { type: 'text' }
  // @ts-expect-error custom content is made with customContent
  const custom: Payload = { type: 'invoice', total: 12 }
  // @ts-expect-error an action that no channel knows
  const card: Content = { type: 'card', title: 'Tea', actions: [{ action: 'Dance', title: 'Now' }] }
  expect([empty, custom, card]).toHaveLength(3)
})

test('custom content is passed on as it is, with or without a type', () => {
  const payload = { anything: [1, { deep: true }] }
  expectTypeOf(customContent(payload)).toEqualTypeOf<CustomContent>()
  expect(customContent(payload)).toBe(payload)
})
