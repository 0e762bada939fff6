import { describe, expect, test } from 'vitest'
import { buttonsOf, numberedAnswer, replaceButtons } from './buttons.js'
import type { Capabilities } from './channel.js'

const card = (prefix: string) => ({
  title: 'A card',
  actions: [
    { action: 'Say something', title: `${prefix} say`, text: `${prefix} said` },
    { action: 'Open URL', title: 'Open', url: 'https://shop.example/' },
    { action: 'Postback', title: `${prefix} post`, payload: `${prefix} posted` },
  ],
})
const choice = { type: 'single-choice', text: 'Size?', choices: [{ title: 'M', value: 'm-1' }] }

describe('the buttons of a payload', () => {
  test('are its choices, its options and what its cards answer with; a link is none', () => {
    expect(buttonsOf(choice)).toEqual([
      { title: 'M', reply: { type: 'quick_reply', text: 'M', payload: 'm-1' } },
    ])
    expect(
      buttonsOf({ type: 'dropdown', message: 'Town?', options: [{ label: 'Bern', value: 'brn' }] }),
    ).toEqual([{ title: 'Bern', reply: { type: 'quick_reply', text: 'Bern', payload: 'brn' } }])
    const replies = buttonsOf({ type: 'carousel', items: [card('a'), card('b')], choices: choice.choices })
    expect(replies.map(({ reply }) => reply)).toEqual([
      { type: 'say_something', text: 'a said' },
      { type: 'postback', payload: 'a posted' },
      { type: 'say_something', text: 'b said' },
      { type: 'postback', payload: 'b posted' },
      { type: 'quick_reply', text: 'M', payload: 'm-1' },
    ])
  })

  test('are none where the payload is of no known type', () => {
    for (const payload of [
      { type: 'acme:form', choices: choice.choices },
      { type: 'text', text: 'hi' },
      {},
    ]) {
      expect(buttonsOf(payload)).toEqual([])
      expect(replaceButtons(payload, () => 'token')).toBe(payload)
    }
  })

  test('can have another text behind them, and all else stays', () => {
    const payload = { ...card('a'), type: 'card', choices: choice.choices, 'acme:extra': [1] }
    const replaced = replaceButtons(payload, (index) => `token-${index}`)
    expect(replaced).toEqual({
      ...payload,
      actions: [
        { ...payload.actions[0], text: 'token-0' },
        payload.actions[1],
        { ...payload.actions[2], payload: 'token-1' },
      ],
      choices: [{ title: 'M', value: 'token-2' }],
    })
    expect(payload.actions[0]?.text).toBe('a said')
  })
})

describe('a typed answer', () => {
  const sms: Capabilities = { content: ['text'], maxTextLength: 1600 }
  const sizes = ['Small', 'Größe M', '3'].map((title, i) => ({ title, value: `size-${i}` }))
  const question = { type: 'single-choice', text: 'Size?', choices: sizes }
  const meaningOf = (text: string, payload = question, can = sms): string | undefined => {
    const reply = numberedAnswer(payload, can, text)?.reply
    return reply?.type === 'quick_reply' ? reply.payload : undefined
  }

  test('is the number of an option, or its label', () => {
    for (const text of ['1', ' 1. ', '1)', 'small', ' SMALL ']) expect(meaningOf(text)).toBe('size-0')
    for (const text of ['2', 'GRÖSSE M'.replace('SS', 'ß'), 'gro\u0308ße m'])
      expect(meaningOf(text)).toBe('size-1')
    for (const text of ['', '0', '4', '1 please', '1.5', '001', 'smal', '１'])
      expect(meaningOf(text)).toBe(undefined)
  })

  test('is the label where a label is a number', () => {
    expect(meaningOf('3', { ...question, choices: [...sizes].reverse() })).toBe('size-2')
  })

  test('means nothing where the options are buttons', () => {
    const chat: Capabilities = {
      content: ['text', 'single-choice'],
      maxTextLength: 100,
      buttons: { max: 3, maxLabel: 9 },
    }
    expect(meaningOf('1', question, chat)).toBe(undefined)
    const many = { ...question, choices: [...sizes, { title: 'XL', value: 'size-3' }] }
    expect(meaningOf('4', many, chat)).toBe('size-3')
    expect(meaningOf('1', question, { ...chat, content: 'any' })).toBe(undefined)
  })

  test('has the meaning of an action where cards were numbered', () => {
    const cards = { type: 'carousel', items: [card('a'), card('b')] }
    expect(numberedAnswer(cards, sms, '4')?.reply).toEqual({ type: 'postback', payload: 'b posted' })
    expect(numberedAnswer(cards, sms, 'a say')?.reply).toEqual({ type: 'say_something', text: 'a said' })
  })
})
