import type { InboundContent } from '@plugboard/core'
import { notice } from './notice.js'
import type { SlackFile } from './payloads.js'

/** Kinds of files that only Slack can show: canvases, lists and posts. A download is not the document. */
const DOCUMENTS = new Set(['quip', 'list', 'post', 'canvas', 'space'])
/** Kinds of files that are gone, or that the bot may not see. */
const HIDDEN = new Set(['tombstone', 'hidden_by_limit', 'file_access'])

/** A file that a person sent: itself, or a text for one that is not a file to a program. */
export function fileContent(file: SlackFile): InboundContent {
  const { mode, mimetype, size, name, title, file_access: access } = file
  const kind = mode ?? ''
  if (HIDDEN.has(kind) || access === 'access_denied' || access === 'file_not_found') {
    return notice(kind === 'tombstone' || kind === 'hidden_by_limit' ? kind : (access ?? kind))
  }
  if (kind === 'external') return linked(title, file.external_url) ?? notice(kind)
  if (DOCUMENTS.has(kind)) return linked(title || name, file.permalink) ?? notice(kind)
  if (kind === 'email') return mail(file)
  const byId = access === 'check_file_info' || !file.url_private
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
    ...(title && { title }),
  }
}

const linked = (title?: string | null, url?: string | null): InboundContent | undefined => {
  const text = [title, url].filter(Boolean).join(': ')
  return text === '' ? undefined : { type: 'text', text }
}

/** A forwarded e-mail: its subject and its text. */
function mail({ mode, title, plain_text, preview }: SlackFile): InboundContent {
  const text = [title, plain_text || preview].filter(Boolean).join('\n\n').trim()
  return text === '' ? notice(mode ?? 'email') : { type: 'text', text }
}

function mediaType({ mimetype, subtype }: SlackFile): string {
  if (subtype === 'slack_audio') return 'voice'
  const [kind = ''] = (mimetype ?? '').split('/')
  return ['image', 'audio', 'video'].includes(kind) ? kind : 'file'
}
