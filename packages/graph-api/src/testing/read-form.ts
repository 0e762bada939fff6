/** A field of a form. `fileName` and `mime` are set for a file. */
export interface FormPart {
  name: string
  fileName?: string
  mime?: string
  body: string
}

/** Reads a `multipart/form-data` body strictly; undefined for what is none. Files are read as text. */
export function readForm(contentType: string | undefined, body: string): FormPart[] | undefined {
  const [, boundary] =
    /^multipart\/form-data; ?boundary=([\w'()+,./:=?-]{1,70})$/.exec(contentType ?? '') ?? []
  if (boundary === undefined || !body.endsWith(`\r\n--${boundary}--\r\n`)) return undefined
  const sections = `\r\n${body.slice(0, -`--${boundary}--\r\n`.length)}`.split(`\r\n--${boundary}\r\n`)
  const [preamble, ...parts] = sections
  if (preamble !== '' || parts.length === 0) return undefined
  const last = parts.length - 1
  const read = parts.map((part, i) => partOf(i === last ? part.replace(/\r\n$/, '') : part))
  return read.every((part) => part !== undefined) ? read : undefined
}

function partOf(text: string): FormPart | undefined {
  const end = text.indexOf('\r\n\r\n')
  const head = text.slice(0, end)
  const [, name, fileName] =
    /^content-disposition: form-data; name="([^"\r\n]+)"(?:; filename="([^"\r\n]+)")?$/im.exec(head) ?? []
  if (end < 0 || name === undefined) return undefined
  const mime = /^content-type: (\S+)$/im.exec(head)?.[1]
  return {
    ...{ name, body: text.slice(end + 4) },
    ...(fileName !== undefined && { fileName }),
    ...(mime !== undefined && { mime }),
  }
}
