import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { events } from './schemas.js'

const { activity } = events['conversation.activity'].shape

/** The kinds of activities that the API declares. */
function declared(): string[] {
  const kinds = z.object({
    type: z.union([z.object({ const: z.string() }), z.object({ enum: z.array(z.string()) })]),
  })
  const schema = z
    .object({ oneOf: z.array(z.object({ properties: kinds })) })
    .parse(z.toJSONSchema(activity, { unrepresentable: 'any' }))
  return schema.oneOf.flatMap(({ properties: { type } }) => ('enum' in type ? type.enum : [type.const]))
}

test('docs/payloads.md shows every activity in the form that the API declares', async () => {
  const page = await readFile(new URL('../../../../../docs/payloads.md', import.meta.url), 'utf8')
  const shown = [...page.matchAll(/^\| `(\{"type":.*?\})` \| /gm)].flatMap(([, text = '']) => {
    const { data } = activity.safeParse(JSON.parse(text))
    return data && JSON.stringify(data) === text ? [data.type] : []
  })
  expect([...new Set(shown)].sort()).toEqual(declared().sort())
})
