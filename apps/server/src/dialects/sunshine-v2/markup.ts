import { badRequest } from './errors.js'

/** The texts that content may have. */
export interface Texts {
  text?: string | undefined
  htmlText?: string | undefined
  markdownText?: string | undefined
}

/**
 * Markdown becomes HTML, and a text that is missing is derived. Content without markup is answered as it is, so that the
 * libraries are loaded by those alone who use it.
 */
export async function resolveMarkup<T extends Texts>(content: T): Promise<Omit<T, 'markdownText'>> {
  const { markdownText, ...rest } = content
  const htmlText = markdownText === undefined ? rest.htmlText : await toHtml(markdownText)
  if (htmlText === undefined) return rest
  return { ...rest, htmlText, text: rest.text ?? (await toText(htmlText)) }
}

async function toHtml(markdown: string): Promise<string> {
  const { marked } = await import('marked')
  return (await marked.parse(markdown)).trim()
}

async function toText(html: string): Promise<string> {
  const { convert } = await import('html-to-text')
  const text = convert(html, { wordwrap: false, limits: { maxInputLength: html.length } }).trim()
  if (text === '') throw badRequest('the markup should have a text')
  return text
}
