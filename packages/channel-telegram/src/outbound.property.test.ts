import { isUrl } from '@plugboard/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { shown, squeezed } from '../test/shown.js'
import { wildText } from '../test/wild-text.js'
import { isVisible } from './formatted-text.js'

const image = 'https://media.example/picture.png'

/** The text as an address of a picture, unless it leads to a file of another kind, which is for Telegram to see. */
const pictureAt = (text: string): string =>
  isUrl(text) && /\.\w+$/.test(new URL(text).pathname) ? image : text || 'x'

describe('any text', () => {
  test('is taken, and all of it is seen', () => {
    fc.assert(
      fc.property(wildText, (text) => {
        const expected = isVisible(text.toWellFormed()) ? squeezed(text.toWellFormed()) : ''
        expect(shown({ type: 'text', text }).replace(/^…$/, '')).toBe(expected)
      }),
    )
  })

  test('that is long is taken in parts, and all of it is seen', () => {
    const long = fc.tuple(wildText, fc.integer({ min: 1, max: 400 }))
    fc.assert(
      fc.property(long, ([text, times]) => {
        const all = `a${`${text}b`.repeat(times)}`
        expect(shown({ type: 'text', text: all })).toBe(squeezed(all.toWellFormed()))
      }),
    )
  })

  test('is taken in every other place of a content', () => {
    fc.assert(
      fc.property(wildText, fc.boolean(), (text, markdown) => {
        const answer = { action: 'Postback', title: text, payload: 'c:1' }
        const link = { action: 'Open URL', title: text, url: text || 'x' }
        for (const content of [
          { type: 'image', image, title: text },
          { type: 'image', image: pictureAt(text) },
          { type: 'location', latitude: 1, longitude: 2, title: text, address: text },
          { type: 'card', title: text, subtitle: text, image, markdown, actions: [answer] },
          { type: 'card', title: text, markdown, actions: [link] },
          { type: 'single-choice', text, markdown, choices: [{ title: text, value: 'c:1' }] },
          { type: 'dropdown', message: text, options: [{ label: text, value: 'c:1' }] },
        ]) {
          shown(content)
        }
      }),
    )
  })
})
