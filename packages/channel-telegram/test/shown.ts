import type { JsonObject } from '@plugboard/core'
import { expect } from 'vitest'
import { telegram } from '../src/index.js'
import { refusalOf } from './rules.js'
import { partsOf } from './stage.js'

const silent = () => undefined
const runtime = await telegram.load({
  options: { apiRoot: 'https://api.telegram.org' },
  logger: { debug: silent, info: silent, warn: silent, error: silent },
  fetch,
})

interface Look {
  type: string
  offset: number
  length: number
}

interface Said {
  text: string
  entities: Look[]
}

/** The texts of a content's messages; fails when Telegram would refuse one of them. */
function said(content: JsonObject): Said[] {
  return partsOf(runtime, content).map(({ call, args }) => {
    const all = { ...(args as JsonObject), chat_id: '501' } as JsonObject
    expect(refusalOf(call, all)).toBeUndefined()
    const { text = all.caption ?? '', entities = all.caption_entities ?? [] } = all
    return { text, entities } as unknown as Said
  })
}

export const squeezed = (text: string): string => text.replace(/\s/g, '')

/** What a person sees of a content, white space aside. */
export const shown = (content: JsonObject): string =>
  squeezed(
    said(content)
      .map(({ text }) => text)
      .join(' '),
  )

/** The same with how each character looks, as {@link looking} writes it. */
export const shownWithLooks = (content: JsonObject): string =>
  said(content)
    .flatMap(({ text, entities }) =>
      text.split('').map((unit, i) => {
        const covering = entities.filter(({ offset, length }) => offset <= i && i < offset + length)
        return looking(
          unit,
          covering.map(({ type }) => type),
        )
      }),
    )
    .join('')

/** `a{bold}b{bold,italic}c{}`; white space has no look. */
export const looking = (text: string, looks: readonly string[]): string =>
  squeezed(text)
    .split('')
    .map((unit) => `${unit}{${[...new Set(looks)].sort().join(',')}}`)
    .join('')
