import { degrade, type JsonObject, type Message, parseJsonObject } from '@plugboard/core'
import { messageDetailsOf } from '@plugboard/hub'

/** A payload in words, with numbered choices and the addresses of files. */
function wordsOf(payload: JsonObject): string {
  const { contents = [] } = degrade(payload, { content: ['text'], maxTextLength: MAX_TEXT }) ?? {}
  const texts = contents.flatMap((content) =>
    'text' in content && typeof content.text === 'string' ? content.text : [],
  )
  if (texts.length > 0) return texts.join('\n')
  const { type, text, title, name, url } = payload
  const said = [text, title, name, url].filter((each) => typeof each === 'string' && each !== '')
  return said.length > 0 ? said.join(' ') : `[${String(type)}]`
}

const MAX_TEXT = 100_000

/** A message as lines of plain text, with the time in UTC. */
export function transcriptLines(message: Message, names: { visitor: string; business: string }): string {
  const { name } = messageDetailsOf(message).author ?? {}
  const author = message.author === 'business' ? (name ?? names.business) : names.visitor
  const at = message.sentAt.toISOString().slice(0, 16).replace('T', ' ')
  // Further lines are indented, so that no text can pass for a line of another author.
  const words = wordsOf(parseJsonObject(message.payload)).replace(LINE_ENDS, '\n    ').replace(CONTROLS, '')
  return `[${at}] ${author.replace(LINE_ENDS, ' ')}: ${words}\n`
}

const LINE_ENDS = /\r\n|[\n\r\u2028\u2029]/g
const CONTROLS = /(?!\n)\p{Cc}|\p{Bidi_Control}/gu
