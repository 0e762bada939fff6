import { truncate } from '@plugboard/core'

/** Longest name of a file that is kept, in UTF-16 units. */
const MAX_NAME = 200

/** Controls of all kinds; those of direction would let `gpj.exe` show as `exe.jpg`. */
const CONTROLS = /[\p{Cc}\p{Bidi_Control}]/gu

/** The name of a file as it is kept and shown: without folders and controls; undefined when nothing is left. */
export function fileNameOf(name = ''): string | undefined {
  const last = name.toWellFormed().split(/[/\\]/).at(-1) ?? ''
  return truncate(last.replace(CONTROLS, ''), MAX_NAME).trim() || undefined
}
