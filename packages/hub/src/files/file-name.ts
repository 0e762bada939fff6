import { truncate } from '@plugboard/core'

/** Maximum length of a stored file name, in UTF-16 units. */
const MAX_NAME = 200

/** Control characters. Those for text direction could show `gpj.exe` as `exe.jpg`. */
const CONTROLS = /[\p{Cc}\p{Bidi_Control}]/gu

/** A file name without folders and control characters; undefined if nothing is left. */
export function fileNameOf(name = ''): string | undefined {
  const last = name.toWellFormed().split(/[/\\]/).at(-1) ?? ''
  return truncate(last.replace(CONTROLS, ''), MAX_NAME).trim() || undefined
}
