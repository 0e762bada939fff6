import { badRequest } from './errors.js'

/** The texts that content may have. */
interface Texts {
  text?: string | undefined
  htmlText?: string | undefined
  markdownText?: string | undefined
}

/** Whether there is anything to resolve. */
export const hasMarkup = (content: object): boolean => 'markdownText' in content || 'htmlText' in content

/** Markdown becomes HTML, and a text that is missing is derived. */
export async function resolveMarkup<T extends object>(content: T): Promise<T> {
  const { markdownText, ...rest } = content as Texts
  const htmlText = markdownText === undefined ? rest.htmlText : await toHtml(markdownText)
  if (htmlText === undefined) return content
  return { ...rest, htmlText, text: rest.text ?? (await toText(htmlText)) } as T
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
