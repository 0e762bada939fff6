import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { useListKeys } from '../shell/shortcuts.js'

/** Rows above and below the window that are drawn too. */
const MORE = 8
/** Rows before the end at which the next page is asked for. */
const AHEAD = 30

interface ListProps<T> {
  /** What the list has, for those who cannot see it. */
  label: string
  items: readonly T[]
  keyOf(item: T): string
  /** Cells of the row. One has a link of class `whole`, which opens the item. */
  row(item: T, index: number): ComponentChildren
  /** Cells of the heading. */
  head: ComponentChildren
  foot?: ComponentChildren
  /** CSS of the columns. On narrow screens the list has two. */
  columns: string
  loadMore?: () => void
  canSelect?: boolean
  /** On narrow screens the second column is the wide one. */
  isSecondWide?: boolean
}

/** A list of any length: only the rows in the window are in the page. `j` and `k` go through it. */
export function VirtualList<T>(props: ListProps<T>): JSX.Element {
  const { items, keyOf, row, loadMore } = props
  const rows = useRef<HTMLTableSectionElement>(null)
  const list = useRef<HTMLDivElement>(null)
  const { first, last, height } = useRange(rows, items.length)
  const [active, setActive] = useState<number>()

  useLayoutEffect(() => {
    // Set here, since a content security policy forbids styles in markup.
    list.current?.style.setProperty('--wide-columns', props.columns)
  }, [props.columns])

  useEffect(() => {
    if (last >= items.length - AHEAD) loadMore?.()
  }, [last, items.length, loadMore])

  useListKeys((step) => {
    if (items.length === 0) return
    const next = Math.min(
      items.length - 1,
      Math.max(0, active === undefined ? first + (first > 0 ? MORE : 0) : active + step),
    )
    setActive(next)
    show(rows.current, next, height)
  })

  // At once, so that Enter right after the key opens it.
  useLayoutEffect(() => {
    if (active === undefined) return
    rows.current
      ?.querySelector<HTMLElement>(`[data-index="${active}"] .whole`)
      ?.focus({ preventScroll: true })
  }, [active])

  return (
    <div
      class="list"
      {...(props.canSelect && { 'data-select': '' })}
      {...(props.isSecondWide && { 'data-first': '' })}
      ref={list}
    >
      <table aria-label={props.label} aria-rowcount={items.length + 1}>
        <thead>
          <tr class="list-head" aria-rowindex={1}>
            {props.head}
          </tr>
        </thead>
        <tbody class="rows" ref={rows}>
          {items.slice(first, last).map((item, n) => {
            const index = first + n
            return (
              <Row
                key={keyOf(item)}
                index={index}
                top={index * height}
                isLast={index === items.length - 1}
                isActive={index === active}
              >
                {row(item, index)}
              </Row>
            )
          })}
        </tbody>
      </table>
      {props.foot && <div class="list-foot">{props.foot}</div>}
    </div>
  )
}

function Row({
  index,
  top,
  isLast,
  isActive,
  children,
}: {
  index: number
  top: number
  isLast: boolean
  isActive: boolean
  children: ComponentChildren
}): JSX.Element {
  const element = useRef<HTMLTableRowElement>(null)
  useLayoutEffect(() => {
    if (element.current) element.current.style.top = `${top}px`
  }, [top])
  return (
    <tr
      ref={element}
      class={isLast ? 'row last' : 'row'}
      aria-rowindex={index + 2}
      data-index={index}
      {...(isActive && { 'data-active': '' })}
    >
      {children}
    </tr>
  )
}

/** Which rows the window shows. */
function useRange(
  rows: { current: HTMLElement | null },
  count: number,
): { first: number; last: number; height: number } {
  const [range, setRange] = useState({ first: 0, last: Math.min(count, 40), height: 56 })
  useLayoutEffect(() => {
    let frame = 0
    function measure(): void {
      frame = 0
      const element = rows.current
      if (!element) return
      const height = Number.parseFloat(getComputedStyle(element).getPropertyValue('--row')) * rem() || 56
      element.style.height = `${count * height}px`
      const above = -element.getBoundingClientRect().top
      const first = Math.max(0, Math.min(count, Math.floor(above / height)) - MORE)
      const last = Math.min(count, Math.ceil((above + window.innerHeight) / height) + MORE)
      setRange((before) =>
        before.first === first && before.last === last && before.height === height
          ? before
          : { first, last: Math.max(last, first), height },
      )
    }
    const later = () => {
      frame ||= requestAnimationFrame(measure)
    }
    measure()
    window.addEventListener('scroll', later, { passive: true })
    window.addEventListener('resize', later)
    return () => {
      cancelAnimationFrame(frame)
      window.removeEventListener('scroll', later)
      window.removeEventListener('resize', later)
    }
  }, [rows, count])
  return { ...range, last: Math.min(range.last, count) }
}

const rem = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize)

/** Scrolls to a row, if it is not in the window. */
function show(rows: HTMLElement | null, index: number, height: number): void {
  if (!rows) return
  const top = rows.getBoundingClientRect().top + index * height
  const space = height * 2
  if (top < space) window.scrollBy(0, top - space)
  else if (top + height > window.innerHeight - space)
    window.scrollBy(0, top + height + space - window.innerHeight)
}
