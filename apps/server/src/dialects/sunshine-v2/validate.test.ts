import { expect, test } from 'vitest'
import { z } from 'zod'
import { contentSchema } from './content-schemas.js'
import { parseInput } from './validate.js'

test('names the types that a content may have', () => {
  const schema = z.object({ content: contentSchema })
  for (const content of [{ type: 'txt', text: 'hi' }, { type: 7 }])
    expect(() => parseInput(schema, { content })).toThrow(
      /^\.content\.type should be equal to one of the allowed values: text, [\w, ]+$/,
    )
})
