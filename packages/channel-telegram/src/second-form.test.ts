import { contentTypes, isJsonObject } from '@plugboard/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { onStage, partsOf } from '../test/stage.js'
import { ApiError } from './api.js'
import { type Form, secondForm } from './second-form.js'

const reasons = [
  "can't parse entities: unsupported start tag",
  'ENTITY_BOUNDS_INVALID',
  'BUTTON_URL_INVALID',
  'BUTTON_DATA_INVALID',
  'REPLY_MARKUP_INVALID',
  'wrong HTTP URL specified',
  'failed to get HTTP URL content',
  'PHOTO_INVALID_DIMENSIONS',
  'MEDIA_EMPTY',
  'message caption is too long',
  'not enough rights to send photos to the chat',
  'not enough rights to send text messages to the chat',
  'TOPIC_CLOSED',
  'message is too long',
  'message text is empty',
  'no reason at all',
]

/** One content of each type with all that can be refused, and words that must be seen. */
const contents = [
  { type: 'text', text: '**Hello** [you](https://a.example)', markdown: true },
  ...['image', 'audio', 'voice', 'video', 'file'].map((type) => ({
    type,
    [type === 'voice' ? 'audio' : type]: 'https://media.example/x.bin',
    title: 'Hello',
  })),
  { type: 'location', latitude: 1, longitude: 2, title: 'Hello', address: 'Street' },
  {
    type: 'card',
    title: 'Hello',
    subtitle: '*to* you',
    markdown: true,
    image: 'https://media.example/x.png',
    actions: [
      { action: 'Open URL', title: 'Site', url: 'https://a.example/site' },
      { action: 'Postback', title: 'Buy', payload: 'b' },
    ],
  },
  { type: 'single-choice', text: 'Hello', choices: [{ title: 'Yes', value: 'y' }] },
  { type: 'dropdown', message: 'Hello', options: [{ label: 'Yes', value: 'y' }] },
]

const refusal = (description: string) =>
  new ApiError('sendMessage', { status: 400, description: `Bad Request: ${description}` })

test('whatever Telegram rejects, the forms come to an end and keep the words', () =>
  onStage(async ({ runtime }) => {
    const forms = contents.flatMap((content) => partsOf(runtime, content)) as Form[]
    expect(contents.map(({ type }) => type)).toEqual(expect.arrayContaining(['card', 'location', 'text']))
    expect(contentTypes).toEqual(expect.arrayContaining(contents.map(({ type }) => type)))
    fc.assert(
      fc.property(
        fc.constantFrom(...forms),
        fc.array(fc.constantFrom(...reasons), { minLength: 30, maxLength: 30 }),
        (form, refusals) => {
          let [last, tries]: [Form, number] = [form, 0]
          for (const reason of refusals) {
            const next = secondForm(last, refusal(reason))
            if (!next) continue
            tries += 1
            last = next
          }
          expect(tries).toBeLessThan(6)
          expect(wordsOf(last)).toContain('Hello')
          for (const each of labelsOf(form)) expect(wordsOf(last) + labelsOf(last).join()).toContain(each)
        },
      ),
    )
  }))

test('only what Telegram rejects has another form', () => {
  const form = { call: 'sendPhoto', args: { photo: 'https://media.example/x.png' } }
  const others = [
    new ApiError('sendPhoto', { status: 502, description: 'Bad Gateway' }),
    new ApiError('sendPhoto', { status: 429, description: 'Too Many Requests' }),
    new ApiError('sendPhoto', { code: 'ECONNRESET' }),
    new ApiError('sendPhoto', { status: 403, description: 'Forbidden: bot was blocked by the user' }),
    refusal('chat not found'),
    new Error('BUTTON_URL_INVALID'),
  ]
  for (const error of others) expect(secondForm(form, error)).toBe(undefined)
})

const wordsOf = ({ args }: Form): string => [args.text, args.caption, args.title].map(String).join('\n')

function labelsOf({ args: { reply_markup: markup } }: Form): string[] {
  const rows = markup !== undefined && isJsonObject(markup) ? markup.inline_keyboard : []
  return (Array.isArray(rows) ? rows.flat() : []).flatMap((button) =>
    typeof button === 'object' && button !== null && 'text' in button ? [String(button.text)] : [],
  )
}
