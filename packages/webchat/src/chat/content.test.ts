import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answersOf, choicesOf, contentOf, openChoices, pressedLabel, replyTo, summaryOf } from './content.js'

describe('the content of a payload', () => {
  test.each([
    [
      { type: 'text', text: 'Hi', markdown: true },
      { type: 'text', text: 'Hi', isMarkdown: true },
    ],
    [
      { type: 'image', image: 'https://a.example/1.png', title: 'One' },
      { type: 'media', kind: 'image', url: 'https://a.example/1.png', title: 'One', caption: 'One' },
    ],
    [
      { type: 'image', url: 'https://hub.example/f', name: 'a.png', title: 'a.png' },
      { type: 'media', kind: 'image', url: 'https://hub.example/f', title: 'a.png' },
    ],
    [
      { type: 'voice', audio: 'https://a.example/1.ogg' },
      { type: 'media', kind: 'audio', url: 'https://a.example/1.ogg' },
    ],
    [
      { type: 'file', url: 'https://hub.example/f', name: 'a.pdf' },
      { type: 'media', kind: 'file', url: 'https://hub.example/f', title: 'a.pdf' },
    ],
    [
      { type: 'location', latitude: 1, longitude: 2, title: 'Shop' },
      { type: 'location', latitude: 1, longitude: 2, title: 'Shop' },
    ],
    [
      {
        type: 'card',
        title: 'Fern',
        actions: [{ action: 'Open URL', title: 'See', url: 'https://a.example' }],
      },
      {
        type: 'cards',
        cards: [{ title: 'Fern', isMarkdown: false, actions: [{ title: 'See', url: 'https://a.example' }] }],
      },
    ],
    [
      { type: 'dropdown', message: 'Size?', options: [{ label: 'Small', value: 's' }] },
      {
        type: 'dropdown',
        text: 'Size?',
        isMarkdown: false,
        options: [{ title: 'Small', reply: { type: 'quick_reply', text: 'Small', payload: 's' } }],
      },
    ],
    [
      { type: 'template', name: 'order', language: 'en', text: 'Your order' },
      { type: 'text', text: 'Your order', isMarkdown: false },
    ],
    [
      { type: 'quick_reply', text: 'Small', payload: 's' },
      { type: 'text', text: 'Small', isMarkdown: false },
    ],
    [{ type: 'something else' }, { type: 'unknown' }],
    ['no object', { type: 'unknown' }],
  ])('of %j', (payload, content) => {
    expect(contentOf(payload)).toEqual(content)
  })

  test('can be read from any JSON', () => {
    const types = ['text', 'image', 'voice', 'location', 'card', 'carousel', 'dropdown', 'single-choice']
    const keys = ['text', 'image', 'audio', 'items', 'options', 'actions', 'choices', 'title', 'latitude']
    const odd = fc.oneof(fc.jsonValue(), fc.constant({ toString: 1 }), fc.constant({ __proto__: null }))
    const button = fc.record({
      title: fc.oneof(fc.string(), odd),
      label: fc.oneof(fc.string(), odd),
      action: fc.oneof(fc.constantFrom('Open URL', 'Postback', 'Say something'), odd),
      ...{ url: odd, payload: odd, text: odd, value: odd },
    })
    const buttons = fc.array(button)
    const items = fc.array(fc.record({ title: odd, subtitle: odd, image: odd, actions: buttons }))
    const hostile = fc.dictionary(fc.constantFrom(...keys), fc.oneof(odd, buttons, items))
    fc.assert(
      fc.property(fc.constantFrom(...types), hostile, (type, fields) => {
        const payload = { ...fields, type }
        expect(contentOf(payload)).toHaveProperty('type')
        expect(Array.isArray(choicesOf(payload))).toBe(true)
        expect(['string', 'undefined']).toContain(typeof summaryOf(payload))
      }),
    )
  })
})

describe('buttons', () => {
  const carousel = {
    type: 'carousel',
    items: [{ title: 'Fern', actions: [{ action: 'Postback', title: 'Buy', payload: 'buy-fern' }] }],
  }

  test('answer with the message that offered them, but words are words', () => {
    expect(replyTo('m1', { type: 'postback', payload: 'buy' })).toEqual({
      type: 'postback',
      payload: 'buy',
      messageId: 'm1',
    })
    expect(replyTo('m1', { type: 'say_something', text: 'Hello' })).toEqual({
      type: 'say_something',
      text: 'Hello',
      messageId: 'm1',
    })
  })

  test('a press is shown with the label of its button', () => {
    const press = { type: 'postback', payload: 'buy-fern', messageId: 'm1' }
    expect(pressedLabel(press, [{ id: 'm1', payload: carousel }])).toBe('Buy')
    expect(pressedLabel(press, [])).toBeUndefined()
  })

  test('quick replies are below any content', () => {
    expect(choicesOf({ type: 'text', text: 'Which?', choices: [{ title: 'A', value: 'a' }] })).toEqual([
      { title: 'A', reply: { type: 'quick_reply', text: 'A', payload: 'a' } },
    ])
  })
})

describe('quick replies', () => {
  const ask = (id: string) => ({
    ...{ id, author: 'business' as const },
    payload: { type: 'text', text: 'Which?', choices: [{ title: 'A', value: 'a' }] },
  })
  const say = (author: 'me' | 'business', payload: object = { type: 'text', text: 'Hm' }) => ({
    ...{ id: 'x', author, payload },
  })
  const press = (messageId: string) => ({ type: 'quick_reply', text: 'A', payload: 'a', messageId })
  const open = (messages: Parameters<typeof openChoices>[0], waiting: object[] = []) =>
    [...openChoices(messages, waiting).keys()].sort()

  test('stay while the business says more, and while others are answered', () => {
    expect(open([ask('1'), say('business'), ask('2'), say('business')])).toEqual(['1', '2'])
    expect(open([ask('1'), ask('2'), say('me', press('2'))])).toEqual(['1'])
    expect(open([ask('1'), say('me', { type: 'postback', payload: 'buy', messageId: 'card' })])).toEqual([
      '1',
    ])
  })

  test('go when one of them is chosen, or when the visitor says anything else', () => {
    expect(open([ask('1'), say('me', press('1')), say('business')])).toEqual([])
    expect(open([ask('1'), ask('2'), say('me'), ask('3')])).toEqual(['3'])
    expect(open([ask('1'), ask('2')], [press('1')])).toEqual(['2'])
    expect(open([ask('1'), ask('2')], [{ type: 'text', text: 'Neither' }])).toEqual([])
  })
})

test('a screen reader hears words without Markdown', () => {
  expect(summaryOf({ type: 'text', text: '**Hello** `you`', markdown: true })).toBe('Hello you')
})

test('an answer is known by the message that it answers', () => {
  const answer = (messageId: unknown, payload: unknown) => ({ type: 'quick_reply', messageId, payload })
  const given = [answer('m1', 's'), answer(undefined, 'l'), answer('m2', 7), { type: 'text' }, null]
  expect([...answersOf(given)]).toEqual([['m1', 's']])
})
