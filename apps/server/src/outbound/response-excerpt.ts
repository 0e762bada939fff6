/** Bytes of an answer that are kept. */
export const EXCERPT_BYTES = 1024

/** What stands for an answer that repeats what was sent: texts of messages are kept in one place only. */
export const REPEATS = '(not kept: it repeats what was sent)'

/** Longer bodies are not searched: it would take too long for something that is only shown. */
const MAX_SEARCHED = 262_144
/** A text counts as repeated if its first characters are. An answer that is cut off has no more of it. */
const PROBE_CHARS = 24
/** Shorter texts are part of many words. They count if they stand between quotes. */
const WORD_CHARS = 4

const IS_ID = /^([\da-f]{24}|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z)$/i
const IS_NAME_OF_ID = /^(id|type)$|Id$/

/**
 * The start of an answer as a text, for people who look for the cause of a failure. Undefined if there is none, or if it is
 * no text.
 */
export function excerptOf(answer: Buffer, sentBody: string): string | undefined {
  const text = new TextDecoder()
    .decode(answer.subarray(0, EXCERPT_BYTES))
    .replace(/\uFFFD$/, '')
    .trim()
  if (text === '' || text.includes('\0')) return undefined
  return repeats(text, sentBody) ? REPEATS : text
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
  return texts.some((text) => {
    const probe = [...text.slice(0, 2 * PROBE_CHARS)].slice(0, PROBE_CHARS).join('')
    const quoted = JSON.stringify(probe)
    if (probe === '') return false
    if (probe.length < WORD_CHARS) return answer === probe || answer.includes(quoted)
    return answer.includes(probe) || answer.includes(quoted.slice(1, -1))
  })
}
