import type { Args } from './rules.js'

/** The fields of a `multipart/form-data` body; a file is told by its name and size. */
export function parseForm(body: string, contentType: string): Args {
  const boundary = /boundary=([^;]+)/.exec(contentType)?.[1] ?? ''
  const parts = body.split(`--${boundary}`).slice(1, -1)
  return Object.fromEntries(parts.map(parsePart).filter(([name]) => name !== 'method'))
}

function parsePart(part: string): [string, unknown] {
  const at = part.indexOf('\r\n\r\n')
  const header = part.slice(0, at)
  const value = part.slice(at + 4).replace(/\r\n$/, '')
  const name = / name="([^"]*)"/.exec(header)?.[1] ?? ''
  const filename = / filename="([^"]*)"/.exec(header)?.[1]
  return [name, filename === undefined ? fromText(value) : { filename, size: Buffer.byteLength(value) }]
}

/** Objects and lists are JSON in a form. */
function fromText(value: string): unknown {
  if (!/^[[{]/.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
