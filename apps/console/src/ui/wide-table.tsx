import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'

/** A short table with its heading, which scrolls to the side where the window is narrow. */
export function WideTable({
  title,
  columns,
  children,
}: {
  title: string
  columns: readonly string[]
  children: ComponentChildren
}): JSX.Element {
  const id = useId()
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached with the keyboard */}
      <div class="scroll-x" tabIndex={0}>
        <table class="plain-table">
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      </div>
    </section>
  )
}
