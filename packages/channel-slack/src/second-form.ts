import { isJsonObject, type JsonObject } from '@plugboard/core'
import { textOfBlocks } from './block-text.js'
import { cut } from './blocks.js'
import type { Refusal } from './failure.js'
import { MAX_BLOCKS, MAX_SECTION, MAX_TEXT } from './limits.js'
import { escapeText, link, mrkdwnLink, section } from './rich-text.js'

/** Slack cannot answer in this thread: it is gone, or its message takes no replies. */
const THREAD = new Set([
  'cannot_reply_to_message',
  'restricted_action_non_threadable_channel',
  'thread_not_found',
])
/** Slack does not take the blocks. */
const BLOCKS = new Set([
  'attachment_payload_limit_exceeded',
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_blocks_too_long',
])

/**
 * Arguments of `chat.postMessage` without what Slack refused, so that the person gets the words: without the thread,
 * with links for the pictures, or as a text. Undefined if nothing can be left out. `previous` is how many forms were
 * refused before.
 */
export function secondForm(
  args: JsonObject,
  { code, paths }: Refusal,
  previous: number,
): JsonObject | undefined {
  const { thread_ts, blocks, text, ...rest } = args
  if (THREAD.has(code) && thread_ts !== undefined) {
    return { ...rest, ...(text !== undefined && { text }), ...(blocks !== undefined && { blocks }) }
  }
  if (!Array.isArray(blocks)) return undefined
  if (code === 'msg_too_long' && typeof text === 'string' && text.length > MAX_SECTION) {
    return { ...args, text: cut(text, MAX_SECTION) }
  }
  if (!BLOCKS.has(code)) return undefined
  const refused = previous === 0 ? paths : []
  return withoutPictures(args, blocks, refused) ?? asText(args, blocks)
}

/** With links for the pictures of the refused blocks, or for all; undefined if there are none. */
function withoutPictures(
  args: JsonObject,
  blocks: readonly unknown[],
  paths: readonly string[],
): JsonObject | undefined {
  const refused = new Set(
    paths.map((path) => /^\/blocks\/(\d{1,3})(?:\/accessory)?\/image_url$/.exec(path)?.[1]),
  )
  const isRefused = (i: number): boolean => paths.length === 0 || refused.has(String(i))
  const shown = blocks.flatMap((block, i) => (isRefused(i) ? withoutPicture(block) : [block]))
  const isSame = shown.length === blocks.length && shown.every((block, i) => block === blocks[i])
  if (isSame || shown.length > MAX_BLOCKS) return undefined
  // A picture alone is a link, as other media are.
  const [only, ...others] = blocks
  const picture = others.length === 0 ? pictureOf(only) : undefined
  const { blocks: _, ...rest } = args
  if (picture) return { ...rest, text: mrkdwnLink(picture.url, picture.title) }
  return { ...args, blocks: shown as JsonObject[] }
}

function withoutPicture(block: unknown): unknown[] {
  const picture = pictureOf(block)
  if (picture) return [linkTo(picture.url, picture.title)]
  const { accessory, ...rest } = Object(block)
  const beside = pictureOf(accessory)
  return beside ? [rest, linkTo(beside.url, '')] : [block]
}

const linkTo = (url: string, title: string) => ({ type: 'rich_text', elements: section(link(url, title)) })

function pictureOf(value: unknown): { url: string; title: string } | undefined {
  const { type, image_url, title } = Object(value)
  if (type !== 'image' || typeof image_url !== 'string') return undefined
  return { url: image_url, title: typeof title?.text === 'string' ? title.text : '' }
}

/** All that the blocks say, with the labels of buttons and options. */
function asText(args: JsonObject, blocks: readonly unknown[]): JsonObject {
  const { blocks: _, text, ...rest } = args
  const words = blocks.flatMap((block) => [textOfBlocks([block]), ...controlsOf(block)]).filter(Boolean)
  const whole = words.length > 0 ? escapeText(words.join('\n')) : String(text)
  return { ...rest, text: cut(whole, MAX_TEXT), mrkdwn: false }
}

function controlsOf(block: unknown): string[] {
  const { type, elements } = Object(block)
  if (type !== 'actions' || !Array.isArray(elements)) return []
  return elements.filter(isJsonObject).flatMap(({ text, url, options }) => {
    if (Array.isArray(options)) return options.map((option) => `• ${textOfBlocks([Object(option).text])}`)
    return [`• ${[textOfBlocks([text]), url].filter(Boolean).join(': ')}`]
  })
}
