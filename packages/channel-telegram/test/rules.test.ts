import { describe, expect, test } from 'vitest'
import { type Args, refusalOf } from './rules.js'

const chat = { chat_id: '501' }
const say = (args: Args) => refusalOf('sendMessage', { ...chat, text: 'hello', ...args })
const entity = (type: string, offset: number, length: number, more = {}) => ({
  type,
  offset,
  length,
  ...more,
})
const entities = (...all: object[]) => say({ text: 'Hello 👋 world', entities: all })
const buttons = (...rows: object[][]) => say({ reply_markup: { inline_keyboard: rows } })
const button = { text: 'Yes', callback_data: 'c:1' }

describe('the fake takes', () => {
  test.each<[string, string | undefined]>([
    ['a text of 4096 units', say({ text: 'ä'.repeat(4096) })],
    [
      'a caption of 1024 units',
      refusalOf('sendPhoto', { ...chat, photo: 'https://a.example/b.png', caption: 'a'.repeat(1024) }),
    ],
    [
      'bold in italic in a quote',
      entities(entity('blockquote', 0, 14), entity('bold', 0, 8), entity('italic', 6, 2)),
    ],
    [
      'bold in a link',
      entities(entity('text_link', 0, 5, { url: 'https://a.example' }), entity('bold', 0, 5)),
    ],
    ['100 buttons', buttons(...Array.from({ length: 50 }, () => [button, button]))],
    ['64 bytes behind a button', buttons([{ text: 'Yes', callback_data: 'x'.repeat(64) }])],
  ])('%s', (_, refusal) => expect(refusal).toBeUndefined())
})

describe('the fake refuses', () => {
  test.each<[string, string | undefined, string]>([
    ['no chat', refusalOf('sendMessage', { text: 'hello' }), 'chat not found'],
    ['a chat that is none', say({ chat_id: '*' }), 'chat not found'],
    ['a method that is none', refusalOf('sendText', chat), 'method not known'],
    ['an argument that is none', say({ parse_mode: 'HTML' }), 'no argument parse_mode'],
    ['no text', say({ text: ' \u200b\n' }), 'text is empty'],
    ['a text of 4097 units', say({ text: 'ä'.repeat(4097) }), 'too long'],
    ['half of a surrogate pair', say({ text: 'a\ud83d' }), 'UTF-8'],
    [
      'a caption of 1025 units',
      refusalOf('sendPhoto', { ...chat, photo: 'https://a.example/b.png', caption: 'a'.repeat(1025) }),
      'caption is too long',
    ],
    ['a file by a wrong address', refusalOf('sendPhoto', { ...chat, photo: 'AgACAgIAAxkBAAIB' }), 'HTTP URL'],
    [
      'a file of another format',
      refusalOf('sendDocument', { ...chat, document: 'https://a.example/b.docx' }),
      'wrong type',
    ],
    ['an entity of an unknown type', entities(entity('marquee', 0, 5)), 'unknown type'],
    ['an entity beyond the end', entities(entity('bold', 0, 15)), 'beyond the end'],
    ['an entity of nothing', entities(entity('bold', 0, 0)), 'beyond the end'],
    ['an entity of white space', entities(entity('bold', 5, 1)), 'white space'],
    ['an entity that halves a pair', entities(entity('bold', 0, 7)), 'half a pair'],
    ['entities that overlap', entities(entity('bold', 0, 8), entity('italic', 6, 8)), 'overlap'],
    ['bold in bold', entities(entity('bold', 0, 8), entity('bold', 0, 5)), 'one in another'],
    ['code in bold', entities(entity('bold', 0, 8), entity('code', 0, 5)), 'nesting'],
    ['bold in code', entities(entity('code', 0, 8), entity('bold', 0, 5)), 'nesting'],
    [
      '101 entities',
      say({ entities: Array.from({ length: 101 }, () => entity('bold', 0, 5)) }),
      'more than 100',
    ],
    ['a link without an address', entities(entity('text_link', 0, 5)), 'needs an address'],
    [
      'a link to a host of this machine',
      entities(entity('text_link', 0, 5, { url: 'http://localhost/' })),
      'Wrong HTTP URL',
    ],
    ['a keyboard without buttons', buttons(), 'object expected'],
    ['101 buttons', buttons(...Array.from({ length: 101 }, () => [button])), 'too long'],
    ['9 buttons in a row', buttons(Array.from({ length: 9 }, () => button)), 'too long'],
    ['a button without a label', buttons([{ ...button, text: '' }]), 'text buttons'],
    ['a label of 65 units', buttons([{ ...button, text: 'a'.repeat(65) }]), 'text buttons'],
    [
      '65 bytes behind a button',
      buttons([{ text: 'Yes', callback_data: 'x'.repeat(65) }]),
      'BUTTON_DATA_INVALID',
    ],
    ['nothing behind a button', buttons([{ text: 'Yes', callback_data: '' }]), 'BUTTON_DATA_INVALID'],
    ['a button that does nothing', buttons([{ text: 'Yes' }]), 'one thing'],
    ['a button to a script', buttons([{ text: 'Yes', url: 'javascript:alert(1)' }]), 'Wrong HTTP URL'],
    ['a place that is none', refusalOf('sendLocation', { ...chat, latitude: 91, longitude: 0 }), 'latitude'],
    [
      'a venue without a name',
      refusalOf('sendVenue', { ...chat, latitude: 1, longitude: 0, title: '', address: 'x' }),
      'title',
    ],
    ['a webhook without https', refusalOf('setWebhook', { url: 'http://a.example' }), 'HTTPS'],
    ['a webhook at another port', refusalOf('setWebhook', { url: 'https://a.example:3100' }), 'ports'],
    [
      'a secret of other characters',
      refusalOf('setWebhook', { url: 'https://a.example', secret_token: 'a b' }),
      'unallowed',
    ],
  ])('%s', (_, refusal, why) => expect(refusal).toContain(why))
})
