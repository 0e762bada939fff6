import type { InboundContent } from '@plugboard/core'
import { attachmentText, filesOf, ownAttachments, textBeside } from './attachments.js'
import { textOfBlocks } from './block-text.js'
import { emojiIn } from './emoji.js'
import { fileContent } from './file-content.js'
import { notice } from './notice.js'
import type { Attachment, Post, SlackFile } from './payloads.js'
import { readable } from './readable-text.js'

/** One content of a message. `suffix` makes its key unique; it is empty for the first content. */
export type MessageContent = { suffix: string; content: InboundContent }

/**
 * The contents of one message: its text with what was forwarded, then each file. The first has the message's key, so
 * that a reaction or an edit can refer to it. `self` are the user ids of this bot; a leading mention of it is removed.
 */
export function contentsOf(
  post: Post,
  self: readonly string[] = [],
  { text, attachments } = wordsOf(post, self),
): [MessageContent, ...MessageContent[]] {
  const files = distinct([...(post.files ?? []), ...attachments.flatMap(filesOf)]).map((file) => ({
    id: file.id,
    content: fileContent(file),
  }))
  if (text === '' && files.length === 0) return [{ suffix: '', content: notice(post.subtype ?? 'message') }]
  const words = text === '' ? [] : [{ id: 'text', content: { type: 'text', text } }]
  const [first, ...rest] = [...words, ...files].map(({ id, content }, i) => {
    return { suffix: i === 0 ? '' : `:${id}`, content }
  })
  return [first as MessageContent, ...rest]
}

/** The text of a message with what was forwarded, and the attachments that belong to it. */
export function wordsOf(
  post: Omit<Post, 'files'>,
  self: readonly string[],
): { text: string; attachments: Attachment[] } {
  const attachments = ownAttachments(post.attachments ?? [], post.text ?? '')
  const attached = attachments.map(attachmentText).filter((each) => each.trim() !== '')
  const paragraphs = [ownWords(post, self), attached.join('\n')]
  return { text: paragraphs.filter((each) => each.trim() !== '').join('\n\n'), attachments }
}

/** Slack writes the text of a mention in a canvas itself; the person's words are in the blocks. */
function ownWords({ subtype, text, blocks }: Omit<Post, 'files'>, self: readonly string[]): string {
  if (subtype === 'document_mention') return withoutMention(textOfBlocks(blocks), self)
  const own = readable(withoutMention(text ?? '', self), emojiIn(blocks))
  const beside = textBeside(own, blocks)
  if (own.trim() === '') return withoutMention(beside, self)
  return beside === '' ? own : `${own}\n\n${beside}`
}

/** A mention is `<@U1>` in a text, and `@U1` in the words of blocks. */
function withoutMention(text: string, self: readonly string[]): string {
  const [mention = '', inText, inWords] =
    /^\s*(?:<@([A-Z0-9]{1,50})(?:\|[^<>]*)?>|@([A-Z0-9]{1,50})\b)[\s:,]*/.exec(text) ?? []
  const isOwn = self.includes(inText ?? inWords ?? '')
  return isOwn && mention.length < text.length ? text.slice(mention.length) : text
}

/** A file may be both sent and forwarded. */
const distinct = (files: readonly SlackFile[]): SlackFile[] => [
  ...new Map(files.map((file) => [file.id, file])).values(),
]
