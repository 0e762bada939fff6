import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Field } from './fields.js'
import { Icon } from './icon.js'

/** Milliseconds without another letter after which the search begins. */
const PAUSE_MS = 300

/** The search of a page, which `/` goes to. */
export function SearchField({
  label,
  value,
  change,
  placeholder = '',
}: {
  label: string
  value: string
  change(value: string): void
  placeholder?: string
}): JSX.Element {
  const [text, setText] = useState(value)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => setText(value), [value])
  useEffect(() => () => clearTimeout(timer.current), [])
  return (
    <Field label={label} class="search wide">
      {(attributes) => (
        <>
          <input
            {...attributes}
            type="search"
            data-search
            autocomplete="off"
            spellcheck={false}
            value={text}
            placeholder={placeholder}
            onInput={({ currentTarget }) => {
              setText(currentTarget.value)
              clearTimeout(timer.current)
              timer.current = setTimeout(() => change(currentTarget.value.trim()), PAUSE_MS)
            }}
            onKeyDown={(event) => {
              if (event.key !== 'Enter') return
              clearTimeout(timer.current)
              change(event.currentTarget.value.trim())
            }}
          />
          <Icon name="search" />
        </>
      )}
    </Field>
  )
}
