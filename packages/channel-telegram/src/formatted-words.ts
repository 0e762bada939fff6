import { z } from 'zod'

const linkSchema = z.object({
  type: z.literal('text_link'),
  offset: z.int().min(0),
  length: z.int().min(1),
  url: z.string().min(1).max(4096),
})

/** Telegram sends at most this many; others are ignored. */
const MAX_ENTITIES = 100

/** A text with the addresses of its links, which only the entities contain: `the terms (https://shop.example/terms)`. */
export function withLinks(text: string, entities: unknown): string {
  if (!Array.isArray(entities)) return text
  const links = entities.slice(0, MAX_ENTITIES).flatMap((entity) => linkSchema.safeParse(entity).data ?? [])
  let written = ''
  let end = 0
  for (const { offset, length, url } of links.sort((a, b) => a.offset - b.offset)) {
    const next = offset + length
    if (offset < end || next > text.length) continue
    written += text.slice(end, offset) + linked(text.slice(offset, next), url)
    end = next
  }
  return written + text.slice(end)
}

/** The words of a link, and its address if they do not already say it. */
export function linked(words: string, url: string): string {
  if (words.trim() === '') return url
  return bare(words.trim()) === bare(url) ? words : `${words} (${url})`
}

const bare = (url: string): string => url.replace(/^(?:https?:\/\/|mailto:|tel:)/i, '').replace(/\/$/, '')
