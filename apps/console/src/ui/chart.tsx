import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Lines } from './chart-lines.js'

/** Lines over time. What draws them is loaded when a chart is shown. */
export function Chart({ label, lines }: { label: string; lines: Lines }): JSX.Element {
  const place = useRef<HTMLDivElement>(null)
  const drawing = useRef<{ show(lines: Lines): void; destroy(): void } | undefined>(undefined)
  const newest = useRef(lines)
  const [isMissing, setIsMissing] = useState(false)
  newest.current = lines
  useEffect(() => {
    let isShown = true
    import('./chart-lines.js').then(
      ({ drawLines }) => {
        if (isShown && place.current) drawing.current = drawLines(place.current, newest.current)
      },
      () => setIsMissing(true),
    )
    return () => {
      isShown = false
      drawing.current?.destroy()
      drawing.current = undefined
    }
  }, [])
  useEffect(() => drawing.current?.show(lines), [lines])
  return (
    <figure class="stack tight">
      <figcaption class="legend">
        {lines.series.map(({ label: name, kind }) => (
          <span key={name}>
            <svg viewBox="0 0 24 8" class={`line ${kind}`} aria-hidden="true">
              <path d="M0 4h24" />
            </svg>{' '}
            {name}
          </span>
        ))}
      </figcaption>
      {isMissing ? (
        <p class="quiet">The chart could not be loaded.</p>
      ) : (
        <div class="chart" ref={place} role="img" aria-label={label} />
      )}
    </figure>
  )
}
