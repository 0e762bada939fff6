import { lazyModule } from '../../lazy.js'
import type { Content } from './content.js'
import { badRequest } from './errors.js'
import { htmlOf, htmlToText, sanitiseHtml } from './html.js'

const markdownModule = lazyModule(() => import('@plugboard/markdown'))

/** Whether there is markup to resolve. */
export const hasMarkup = (content: Content): boolean => 'markdownText' in content || 'htmlText' in content

/** Markdown becomes HTML, HTML is sanitised, and a text that is missing is derived. */
export async function resolveMarkup(content: Content): Promise<Content> {
  if (!('htmlText' in content || 'markdownText' in content)) return content
  const { markdownText, ...rest } = content
  if (markdownText !== undefined) return { ...rest, ...withText(rest.text, await fromMarkdown(markdownText)) }
  if (rest.htmlText === undefined) return content
  return { ...rest, ...withText(rest.text, await fromHtml(rest.htmlText)) }
}

interface Markup {
  htmlText: string
  derived: string
}

/** @throws bad_request without a given or derived text */
function withText(text: string | undefined, { htmlText, derived }: Markup) {
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
