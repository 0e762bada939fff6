import { textOfBlocks } from './block-text.js'
import { emojiIn } from './emoji.js'
import type { Attachment, SlackFile } from './payloads.js'
import { readable, readableLink, unescapeText } from './readable-text.js'

/** Longest text that is searched for links, in characters. Slack's own limit is 40,000. */
const MAX_SEARCHED = 100_000

/**
 * The attachments of a message that belong to it: what was forwarded, tables, and what programs attach. A preview of a
 * link in the text is left out. `text` is the message's own.
 */
export function ownAttachments(attachments: readonly Attachment[], text: string): Attachment[] {
  const words = unescapeText(text.slice(0, MAX_SEARCHED))
  return attachments.filter((attachment) => !isPreview(attachment, words))
}

/** A forwarded message may have the address of the app that unfurled it, and is still no preview. */
function isPreview(attachment: Attachment, words: string): boolean {
  const { is_share, is_app_unfurl, from_url, original_url, title_link, app_unfurl_url } = attachment
  if (is_share || words.trim() === '') return false
  if (is_app_unfurl) return true
  return [from_url, original_url, title_link, app_unfurl_url].some(
    (url) => url && words.includes(url.replace(/\/$/, '')),
  )
}

/** The words of an attachment; of a forwarded message, after who wrote it and where. */
export function attachmentText(attachment: Attachment): string {
  const { is_share, is_msg_unfurl, from_url, author_name, author_subname, fallback } = attachment
  const words = attachmentWords(attachment)
  const author = author_name || author_subname || ''
  if (!is_share && !is_msg_unfurl) return lines([author, words || (author ? '' : readable(fallback ?? ''))])
  const text = words || (filesOf(attachment).length > 0 ? '' : withoutHead(fallback ?? ''))
  const who = from_url ? readableLink(from_url, author) : author
  if (who === '' || text === '') return who || text
  return text.includes('\n') ? `${who}:\n${text}` : `${who}: ${text}`
}

export const filesOf = ({ files }: Attachment): readonly SlackFile[] => files ?? []

function attachmentWords(attachment: Attachment): string {
  const { pretext, title, title_link, text, fields, image_url } = attachment
  const blocks = blocksOf(attachment)
  const emoji = emojiIn(blocks)
  const own = readable(text ?? '', emoji)
  return lines([
    readable(pretext ?? ''),
    title_link ? readableLink(title_link, readable(title ?? '')) : readable(title ?? ''),
    own,
    ...(fields ?? []).map(({ title, value }) =>
      [title, value]
        .filter(Boolean)
        .map((each) => readable(each ?? ''))
        .join(': '),
    ),
    textBeside(own, blocks),
    filesOf(attachment).length > 0 ? '' : (image_url ?? ''),
  ])
}

const blocksOf = ({ blocks, message_blocks }: Attachment): unknown[] =>
  [blocks, ...(message_blocks ?? []).map(({ message }) => message?.blocks)].flatMap((each) =>
    Array.isArray(each) ? each : [],
  )

/**
 * What blocks say besides a text. Slack writes the rich text of a message into its text, but not a table; other blocks
 * may repeat lines of the text, or say more.
 */
export function textBeside(text: string, blocks: unknown): string {
  if (!Array.isArray(blocks)) return ''
  if (text.trim() === '') return textOfBlocks(blocks)
  const known = new Set(text.split('\n').map(bare))
  return lines(
    blocks
      .filter((block) => Object(block).type !== 'rich_text')
      .map((block) => textOfBlocks([block]))
      .filter((words) => words.split('\n').some((line) => !known.has(bare(line)))),
  )
}

/** Without spaces and marks of formatting. */
const bare = (text: string): string => text.replace(/[\s*_~`>•]+/g, '')

/** Slack begins the fallback of a forwarded message with `[time] author: `. */
const withoutHead = (fallback: string): string => readable(fallback).replace(/^\[[^\]\n]{1,60}\] /, '')

const lines = (texts: readonly string[]): string => texts.filter((text) => text.trim() !== '').join('\n')
