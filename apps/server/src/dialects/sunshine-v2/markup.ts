import { lazyModule } from '../../lazy.js'
import { badRequest } from './errors.js'
import { htmlOf, htmlToText, sanitiseHtml } from './html.js'

const markdownModule = lazyModule(() => import('@plugboard/markdown'))

/** The texts that content may have. */
interface Texts {
  text?: string | undefined
  htmlText?: string | undefined
  markdownText?: string | undefined
}

/** Whether there is anything to resolve. */
export const hasMarkup = (content: object): boolean => 'markdownText' in content || 'htmlText' in content

/** Markdown becomes HTML, HTML is sanitised, and a text that is missing is derived. */
export async function resolveMarkup<T extends object>(content: T): Promise<T> {
  const { markdownText, ...rest } = content as Texts
  if (markdownText !== undefined) return { ...rest, ...withText(rest, await fromMarkdown(markdownText)) } as T
  if (rest.htmlText === undefined) return content
  return { ...rest, ...withText(rest, await fromHtml(rest.htmlText)) } as T
}

interface Markup {
  htmlText: string
  derived: string
}

/** @throws bad_request where there is no text, neither given nor derived */
function withText({ text }: Texts, { htmlText, derived }: Markup): Texts {
  if (text === undefined && derived === '') throw badRequest('the markup should have a text')
  return { htmlText, text: text ?? derived }
}

async function fromMarkdown(markdown: string): Promise<Markup> {
  const { parseMarkdown, toPlainText } = await markdownModule()
  return { htmlText: htmlOf(parseMarkdown(markdown)), derived: toPlainText(markdown) }
}

async function fromHtml(html: string): Promise<Markup> {
  const htmlText = await sanitiseHtml(html)
  return { htmlText, derived: await htmlToText(htmlText) }
}
