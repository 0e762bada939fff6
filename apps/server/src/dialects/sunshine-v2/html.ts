import type { Block, Inline, List, Table } from '@plugboard/markdown'
import { lazyModule } from '../../lazy.js'

const sanitizeHtml = lazyModule(() => import('sanitize-html'))
const htmlToTextModule = lazyModule(() => import('html-to-text'))

/** HTML elements that clients may use, and that Markdown is converted to. */
const TAGS = [
  ...['p', 'div', 'span', 'br', 'hr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'pre', 'code'],
  ...['b', 'strong', 'i', 'em', 'u', 's', 'del', 'strike', 'sub', 'sup', 'small', 'a', 'img'],
  ...['ul', 'ol', 'li', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
]
/** Elements whose content is no text, or is read in another way than HTML: they go with all that is in them. */
const WITH_CONTENT = [
  ...['script', 'style', 'template', 'noscript', 'iframe', 'noembed', 'noframes', 'object', 'svg', 'math'],
  ...['textarea', 'select', 'option', 'title', 'xmp', 'plaintext'],
]
const SCHEMES = ['http', 'https', 'mailto', 'tel']
const FILE_SCHEMES = ['http', 'https']
/** Elements in one another; the words of deeper ones stay. */
const MAX_DEPTH = 20

/** Sanitizes HTML of a client: removes anything that could run, load or hide something. */
export async function sanitiseHtml(html: string): Promise<string> {
  const { default: sanitise } = await sanitizeHtml()
  return sanitise(html, {
    allowedTags: TAGS,
    nonTextTags: WITH_CONTENT,
    allowedAttributes: { a: ['href', 'title'], img: ['src', 'alt', 'title'], ol: ['start'] },
    transformTags: {
      a: (tagName, attribs) => ({ tagName, attribs: onlySafe(attribs, 'href', SCHEMES) }),
      img: (tagName, attribs) => ({ tagName, attribs: onlySafe(attribs, 'src', FILE_SCHEMES) }),
    },
    allowedSchemes: SCHEMES,
    parseStyleAttributes: false,
    nestingLimit: MAX_DEPTH,
  })
}

/** A relative address leads nowhere in a message, and what is read as one may be another thing elsewhere. */
function onlySafe(
  attributes: Readonly<Record<string, string>>,
  name: string,
  schemes: readonly string[],
): Record<string, string> {
  const { [name]: url = '', ...rest } = attributes
  return isSafe(url, schemes) ? { ...rest, [name]: url } : rest
}

/** The words of HTML, which is no deeper than {@link sanitiseHtml} leaves it. */
export async function htmlToText(html: string): Promise<string> {
  const { convert } = await htmlToTextModule()
  const limits = { maxInputLength: html.length, maxDepth: 2 * MAX_DEPTH }
  return convert(html, { wordwrap: false, limits }).trim()
}

/** HTML of a Markdown tree. HTML in Markdown is plain text. */
export const htmlOf = (blocks: readonly Block[]): string => blocks.map(blockHtml).join('\n')

function blockHtml(block: Block): string {
  switch (block.type) {
    case 'paragraph':
      return `<p>${inlineHtml(block.children)}</p>`
    case 'heading':
      return `<h${block.level}>${inlineHtml(block.children)}</h${block.level}>`
    case 'rule':
      return '<hr>'
    case 'code-block':
      return `<pre><code>${escapeHtml(block.text)}\n</code></pre>`
    case 'quote':
      return `<blockquote>\n${htmlOf(block.children)}\n</blockquote>`
    case 'list':
      return listHtml(block)
    case 'table':
      return tableHtml(block)
  }
}

function listHtml({ items, start, isTight }: List): string {
  const [tag, attribute] = start === undefined ? ['ul', ''] : ['ol', start === 1 ? '' : ` start="${start}"`]
  const rows = items.map(({ isChecked, children }) => {
    const box = isChecked === undefined ? '' : isChecked ? '☑ ' : '☐ '
    const body = children.map((child) =>
      isTight && child.type === 'paragraph' ? inlineHtml(child.children) : blockHtml(child),
    )
    return `<li>${box}${body.join('\n')}</li>`
  })
  return `<${tag}${attribute}>\n${rows.join('\n')}\n</${tag}>`
}

function tableHtml({ rows: [head = [], ...body] }: Table): string {
  const row = (cells: Inline[][], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${inlineHtml(cell)}</${tag}>`).join('')}</tr>`
  const rows =
    body.length > 0 ? `\n<tbody>\n${body.map((cells) => row(cells, 'td')).join('\n')}\n</tbody>` : ''
  return `<table>\n<thead>\n${row(head, 'th')}\n</thead>${rows}\n</table>`
}

const inlineHtml = (inlines: readonly Inline[]): string => inlines.map(pieceHtml).join('')

function pieceHtml(inline: Inline): string {
  switch (inline.type) {
    case 'text':
      return escapeHtml(inline.text)
    case 'break':
      return '<br>'
    case 'code':
      return `<code>${escapeHtml(inline.text)}</code>`
    case 'strong':
      return `<strong>${inlineHtml(inline.children)}</strong>`
    case 'emphasis':
      return `<em>${inlineHtml(inline.children)}</em>`
    case 'strikethrough':
      return `<del>${inlineHtml(inline.children)}</del>`
    case 'link': {
      const words = inlineHtml(inline.children)
      const url = escapeHtml(inline.url)
      if (isSafe(inline.url, SCHEMES)) return `<a href="${url}">${words}</a>`
      return url && url !== words ? `${words} (${url})` : words
    }
    case 'image': {
      const alt = escapeHtml(inline.alt)
      return isSafe(inline.url, FILE_SCHEMES) ? `<img src="${escapeHtml(inline.url)}" alt="${alt}">` : alt
    }
  }
}

/** Controls and white space, which browsers skip in a scheme, are in no address that is shown. */
const isSafe = (url: string, schemes: readonly string[]): boolean => {
  const [, scheme] = /^([a-z]+):[^\s\p{C}]+$/iu.exec(url) ?? []
  return scheme !== undefined && schemes.includes(scheme.toLowerCase())
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (each) => ENTITIES[each] ?? each)
