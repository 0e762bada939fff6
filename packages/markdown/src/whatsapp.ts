import { type Marks, toPlainText } from './plain-text.js'

/** https://faq.whatsapp.com/539178204879377: marks are directly around the text, and cannot span lines. */
const mark =
  (sign: string) =>
  (text: string): string =>
    text
      .split('\n')
      .map((line) => {
        const words = line.trim()
        return words === '' ? line : line.replace(words, () => `${sign}${words}${sign}`)
      })
      .join('\n')

const marks: Marks = {
  strong: mark('*'),
  emphasis: mark('_'),
  strikethrough: mark('~'),
  code: (text) => (text.includes('`') ? text : `\`${text}\``),
  codeBlock: (text) => (text.includes('```') ? text : `\`\`\`\n${text}\n\`\`\``),
}

/** A Markdown text with WhatsApp's marks. */
export const toWhatsApp = (markdown: string): string => toPlainText(markdown, marks)
