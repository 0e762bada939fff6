import type { ComponentChildren } from 'preact'
import { parseMarkdown, parsePlain } from '../../markdown/parse.js'
import type { Block, Inline } from '../../markdown/tree.js'
import { elsewhere, safeLink } from '../links.js'

/** The words of a message, as elements. Nothing of them is read as HTML. */
export const Prose = ({ text, isMarkdown }: { text: string; isMarkdown: boolean }) => (
  <div class="prose" dir="auto">
    {isMarkdown ? <Blocks of={parseMarkdown(text)} /> : <p>{inlines(parsePlain(text))}</p>}
  </div>
)

const Blocks = ({ of }: { of: readonly Block[] }) => <>{of.map(blockOf)}</>

function blockOf(block: Block): ComponentChildren {
  switch (block.type) {
    case 'paragraph':
      return <p>{inlines(block.children)}</p>
    case 'heading':
      // Not a heading of the page, whose outline a message must not change.
      return <p class="heading">{inlines(block.children)}</p>
    case 'code':
      return (
        <pre dir="ltr">
          <code>{block.text}</code>
        </pre>
      )
    case 'rule':
      return <hr />
    case 'quote':
      return (
        <blockquote>
          <Blocks of={block.children} />
        </blockquote>
      )
    case 'list': {
      const items = block.items.map((item) => (
        <li>
          <Blocks of={item} />
        </li>
      ))
      return block.start === undefined ? <ul>{items}</ul> : <ol start={block.start}>{items}</ol>
    }
    case 'table':
      return (
        <table>
          <thead>
            <tr>
              {block.head.map((cell) => (
                <th>{inlines(cell)}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {block.rows.map((row) => (
              <tr>
                {row.map((cell) => (
                  <td>{inlines(cell)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )
  }
}

const inlines = (of: readonly Inline[]): ComponentChildren => of.map(inlineOf)

function inlineOf(inline: Inline): ComponentChildren {
  switch (inline.type) {
    case 'text':
      return inline.text
    case 'code':
      return <code>{inline.text}</code>
    case 'break':
      return <br />
    case 'strong':
      return <strong>{inlines(inline.children)}</strong>
    case 'emphasis':
      return <em>{inlines(inline.children)}</em>
    case 'strikethrough':
      return <s>{inlines(inline.children)}</s>
    case 'link': {
      const href = safeLink(inline.url)
      const words = inlines(inline.children)
      return href ? (
        <a href={href} {...elsewhere}>
          {words}
        </a>
      ) : (
        words
      )
    }
  }
}
