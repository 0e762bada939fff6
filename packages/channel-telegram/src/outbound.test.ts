import { readdirSync, readFileSync } from 'node:fs'
import type { JsonObject } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { onStage } from '../test/stage.js'

const folder = new URL('./fixtures/outbound/', import.meta.url)
const samples = readdirSync(folder).map((file) => {
  const sample = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as {
    content: JsonObject
    thread?: string
    requests: [string, JsonObject][]
  }
  return { name: file.replace('.json', ''), ...sample }
})

describe('what a bot posts is what Telegram is asked for', () => {
  test.each(samples)('$name', ({ content, thread, requests }) =>
    onStage(async ({ api, post }) => {
      const ids = await post(content, thread)
      expect(api.calls.map(({ method, args }) => [method, args])).toEqual(requests)
      expect(api.sent).toHaveLength(requests.length)
      expect(ids).toHaveLength(requests.length)
    }),
  )

  test('of each content type there is a sample', async () => {
    const { contentTypes } = await import('@plugboard/core')
    expect(new Set(samples.map(({ content }) => content.type))).toEqual(new Set(contentTypes))
  })
})
