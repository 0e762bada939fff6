import { TOKEN } from '../masked-urls.js'

/** Bytes of an answer that are kept. */
export const EXCERPT_BYTES = 1024

/** What stands for an answer that repeats what was sent: texts of messages are kept in one place only. */
export const REPEATS = '(not kept: it repeats what was sent)'

/** Longer bodies are not searched: it would take too long for something that is only shown. */
const MAX_SEARCHED = 65_536
/** A text counts as repeated if its first characters are. An answer that is cut off has no more of it. */
const PROBE_CHARS = 24
/** Shorter texts are part of many words. They count if they stand between quotes. */
const WORD_CHARS = 4
/** Every so many characters of an answer are looked for in the texts: a run of twice as many is found anywhere. */
const PIECE_CHARS = 12
/** Stands for what grants access. */
const HIDDEN = '…'

const IS_ID = /^([\da-f]{24}|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z)$/i
const IS_NAME_OF_ID = /^(id|type)$|Id$/

/**
 * The start of an answer as a text, for people who look for the cause of a failure. Undefined if there is none, or if it is
 * no text. `secrets`: what was sent and grants access, which many answers repeat; it is hidden.
 */
export function excerptOf(
  answer: Buffer,
  sentBody: string,
  secrets: readonly string[] = [],
): string | undefined {
  const text = new TextDecoder()
    .decode(answer.subarray(0, EXCERPT_BYTES))
    .replace(/\uFFFD$/, '')
    .trim()
  if (text === '' || text.includes('\0')) return undefined
  return repeats(text, sentBody) ? REPEATS : secrets.reduce(without, text)
}

/** The end of the text may have been cut within the secret. */
function without(text: string, secret: string): string {
  const whole = text.replaceAll(secret, HIDDEN)
  for (let length = Math.min(secret.length - 1, whole.length); length >= WORD_CHARS; length -= 1)
    if (whole.endsWith(secret.slice(0, length))) return `${whole.slice(0, -length)}${HIDDEN}`
  return whole
}

function repeats(answer: string, sentBody: string): boolean {
  if (sentBody.length > MAX_SEARCHED) return true
  const texts: string[] = []
  try {
    // Visits every member, so that no depth of the body is too much.
    JSON.parse(sentBody, (key, value: unknown) => {
      if (typeof value === 'string' && !IS_NAME_OF_ID.test(key) && !IS_ID.test(value))
        texts.push(value.trim())
      return value
    })
  } catch {
    texts.push(sentBody)
  }
  const answers = [...new Set([answer, unescaped(answer)])]
  const pieces = answers.flatMap(piecesOf)
  return texts.some(
    (text) => answers.some((each) => begins(each, text)) || pieces.some((piece) => text.includes(piece)),
  )
}

/** Whether a text is repeated from its start. */
function begins(answer: string, text: string): boolean {
  const probe = [...text.slice(0, 2 * PROBE_CHARS)].slice(0, PROBE_CHARS).join('')
  const quoted = JSON.stringify(probe)
  if (probe === '') return false
  if (probe.length < WORD_CHARS) return answer === probe || answer.includes(quoted)
  return answer.includes(probe) || answer.includes(quoted.slice(1, -1))
}

function piecesOf(answer: string): string[] {
  const pieces: string[] = []
  for (let at = 0; at + PIECE_CHARS <= answer.length; at += PIECE_CHARS)
    pieces.push(answer.slice(at, at + PIECE_CHARS))
  return pieces
}

/** As programs write texts in JSON, HTML and forms. */
const ESCAPES = /\\u([\da-f]{4})|&#x([\da-f]{1,6});|&#(\d{1,7});|(?:%[\da-f]{2})+/gi

const unescaped = (text: string): string =>
  text.replace(ESCAPES, (all, unit?: string, hex?: string, decimal?: string) => {
    if (unit !== undefined) return String.fromCharCode(Number.parseInt(unit, 16))
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    if (hex !== undefined || decimal !== undefined) return code <= 0x10ffff ? String.fromCodePoint(code) : all
    return Buffer.from(all.replaceAll('%', ''), 'hex').toString()
  })

/**
 * What grants access of a request: its headers beside those of all requests, and of its address what is masked elsewhere.
 * The longest first, since one may be a part of another.
 */
export function secretsIn(path: string, headers: readonly string[]): string[] {
  const [place = '', query = ''] = path.split(/\?(.*)/s)
  const parts = [...place.split('/').filter((segment) => TOKEN.test(segment)), query]
  const values = query.split('&').flatMap((pair) => pair.split('=').slice(1))
  const plain = [...parts, ...values].map((part) => unescaped(part.replaceAll('+', ' ')))
  const all = [...headers, ...parts, ...values, ...plain].filter((each) => each.length >= WORD_CHARS)
  return [...new Set(all)].sort((a, b) => b.length - a.length)
}
