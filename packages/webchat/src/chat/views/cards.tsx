import { useRef, useState } from 'preact/hooks'
import type { Card } from '../content.js'
import { elsewhere, safeLink } from '../links.js'
import { fill } from '../words.js'
import { Icon } from './icons.js'
import { Prose } from './markdown.js'
import { Picture } from './media.js'
import { useView } from './view.js'

/** Scrolling has ended when it has not moved for so long, in milliseconds. */
const SETTLED_MS = 120

interface CardsProps {
  cards: readonly Card[]
  messageId: string
}

/** One card, or several side by side: swiped, scrolled with the arrow keys, or turned with its buttons. */
export function Cards({ cards, messageId }: CardsProps) {
  const { words } = useView()
  const [first] = cards
  if (cards.length === 1 && first) return <CardView card={first} messageId={messageId} />
  return (
    <section class="carousel" aria-roledescription="carousel" aria-label={words.cards}>
      <Track cards={cards} messageId={messageId} />
    </section>
  )
}

function Track({ cards, messageId }: CardsProps) {
  const { words } = useView()
  const track = useRef<HTMLUListElement>(null)
  const [at, setAt] = useState(0)
  const turn = (to: number): void => {
    const card = track.current?.children[to]
    card?.scrollIntoView({ block: 'nearest', inline: 'start' })
    if (card) setAt(to)
  }
  const settled = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const follow = (): void => {
    clearTimeout(settled.current)
    settled.current = setTimeout(() => {
      const { current } = track
      const width = current?.firstElementChild?.getBoundingClientRect().width
      if (current && width)
        setAt(Math.min(cards.length - 1, Math.round(Math.abs(current.scrollLeft) / width)))
    }, SETTLED_MS)
  }
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
      <ul ref={track} tabIndex={0} aria-label={words.cards} onScroll={follow}>
        {cards.map((card, index) => (
          <li aria-label={fill(words.cardOf, { n: index + 1, count: cards.length })}>
            <CardView card={card} messageId={messageId} />
          </li>
        ))}
      </ul>
      <div class="turn">
        <button type="button" aria-label={words.previous} disabled={at === 0} onClick={() => turn(at - 1)}>
          <Icon name="left" />
        </button>
        <span aria-hidden="true">{fill(words.cardOf, { n: at + 1, count: cards.length })}</span>
        <button
          type="button"
          aria-label={words.next}
          disabled={at === cards.length - 1}
          onClick={() => turn(at + 1)}
        >
          <Icon name="right" />
        </button>
      </div>
    </>
  )
}

function CardView({ card, messageId }: { card: Card; messageId: string }) {
  const { title, subtitle, image, isMarkdown, actions } = card
  const { chat } = useView()
  return (
    <article class="card" part="card">
      {image && <Picture url={image} label={title} />}
      <div class="words">
        <strong dir="auto">{title}</strong>
        {subtitle && <Prose text={subtitle} isMarkdown={isMarkdown} />}
      </div>
      {actions.map((action) => {
        if ('reply' in action) {
          return (
            <button type="button" dir="auto" onClick={() => chat.answer(messageId, action.reply)}>
              {action.title}
            </button>
          )
        }
        const href = safeLink(action.url)
        return (
          href && (
            <a href={href} dir="auto" {...elsewhere}>
              {action.title}
            </a>
          )
        )
      })}
    </article>
  )
}
