import type { WebChatConfig } from '../config.js'
import { nextClientId } from './client-id.js'
import type { MediaKind } from './content.js'
import type { Attached, Notice } from './state.js'

/** The files that may go with a message, and why others may not. */
export function attachable(
  files: Iterable<File>,
  { maxBytes, types }: WebChatConfig['uploads'],
): { attached: Attached[]; notice: Notice | undefined } {
  const attached: Attached[] = []
  let notice: Notice | undefined
  for (const file of files) {
    if (file.size > maxBytes) notice = 'file-too-large'
    else if (!isAccepted(file.type, types)) notice = 'file-type'
    else attached.push({ id: nextClientId(), file })
  }
  return { attached, notice }
}

/** As what a file is sent. */
export function kindOf(type: string): MediaKind {
  const [kind] = type.split('/', 1)
  return kind === 'image' || kind === 'audio' || kind === 'video' ? kind : 'file'
}

/** Types such as `image/*` and `application/pdf`; none means any. */
const isAccepted = (type: string, types: readonly string[]): boolean =>
  types.length === 0 ||
  types.some(
    (accepted) =>
      accepted === type ||
      accepted === '*/*' ||
      (accepted.endsWith('/*') && type.startsWith(accepted.slice(0, -1))),
  )
