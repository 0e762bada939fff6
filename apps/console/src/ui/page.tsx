import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { visits } from '../route/location.js'

/** A page with its heading, which takes the focus when the reader comes here. */
export function Page({
  title,
  crumb,
  actions,
  children,
}: {
  title: string
  /** Where it belongs. */
  crumb?: ComponentChildren
  actions?: ComponentChildren
  children: ComponentChildren
}): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · Plugboard`
  }, [title])
  useEffect(() => {
    if (visits.get() > 0) heading.current?.focus({ preventScroll: true })
  }, [])
  return (
    <main class="page" id="main">
      <div class="page-head">
        <div>
          {crumb && (
            <nav class="crumb" aria-label="Where this belongs">
              {crumb}
            </nav>
          )}
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
        </div>
        {actions && <div class="cluster">{actions}</div>}
      </div>
      {children}
    </main>
  )
}
