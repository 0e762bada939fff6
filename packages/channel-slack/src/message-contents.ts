import type { InboundContent } from '@plugboard/core'
import type { Post, SlackFile } from './payloads.js'
import { emojiIn, readable } from './readable-text.js'

/** One content of a message. `suffix` makes its key unique; it is empty for the first content. */
export type MessageContent = { suffix: string; content: InboundContent }

/**
 * The contents of one message: its text, then each file. The first has the message's key, so that a reaction or an edit
 * can refer to it. `self` are the user ids of this bot; a leading mention of it is removed.
 */
export function contentsOf(post: Post, self: readonly string[] = []): [MessageContent, ...MessageContent[]] {
  const files = (post.files ?? []).map((file) => ({ id: file.id, content: fileContent(file) }))
  const text = wordsOf(post, self)
  if (text === '' && files.length === 0) return [{ suffix: '', content: notice(post.subtype ?? 'message') }]
  const words = text === '' ? [] : [{ id: 'text', content: { type: 'text', text } }]
  const [first, ...rest] = [...words, ...files].map(({ id, content }, i) => {
    return { suffix: i === 0 ? '' : `:${id}`, content }
  })
  return [first as MessageContent, ...rest]
}

/** A text for something that cannot be shown: its kind in brackets. */
export const notice = (name: string): InboundContent => ({ type: 'text', text: `[${name.slice(0, 50)}]` })

/** The text of a message; a forwarded message has it in an attachment. */
function wordsOf({ text, blocks, attachments }: Post, self: readonly string[]): string {
  const own = text ?? ''
  const quoted = (attachments ?? []).map(({ text, fallback }) => text || fallback || '').filter(Boolean)
  const words = own.trim() === '' ? quoted.join('\n') : withoutMention(own, self)
  return readable(words, emojiIn(blocks))
}

function withoutMention(text: string, self: readonly string[]): string {
  const [mention = '', id = ''] = /^\s*<@([A-Z0-9]{1,50})(?:\|[^<>]*)?>[\s:,]*/.exec(text) ?? []
  return self.includes(id) && mention.length < text.length ? text.slice(mention.length) : text
}

function fileContent(file: SlackFile): InboundContent {
  const { mode, mimetype, size, name, title } = file
  if (mode === 'external') {
    return { type: 'text', text: [title, file.external_url].filter(Boolean).join(': ') || '[external]' }
  }
  if (mode === 'tombstone' || mode === 'hidden_by_limit') return notice(mode)
  const byId = file.file_access === 'check_file_info' || !file.url_private
  return {
    type: mediaType(file),
    media: {
      ref: {
        ...(byId ? { file: file.id } : { url: file.url_private as string }),
        ...(mimetype && { mime: mimetype }),
      },
      ...(mimetype && { mime: mimetype }),
      ...(size != null && { size }),
      ...(name && { name }),
    },
    ...(title && { title: title }),
  }
}

function mediaType({ mimetype, subtype }: SlackFile): string {
  if (subtype === 'slack_audio') return 'voice'
  const [kind = ''] = (mimetype ?? '').split('/')
  return ['image', 'audio', 'video'].includes(kind) ? kind : 'file'
}
