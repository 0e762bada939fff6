import type { JSX } from 'preact'
import { setFilters, usePlace } from '../route/location.js'
import { TextField } from '../ui/fields.js'

const TIMES = ['since', 'until'] as const

/** The filters `since` and `until` of the address. `labels`: their names on the page, in this order. */
export function PeriodFields({
  labels = ['Since', 'Until'],
}: {
  labels?: readonly [string, string]
}): JSX.Element {
  const { query } = usePlace()
  return (
    <>
      {TIMES.map((name, i) => (
        <TextField
          key={name}
          label={labels[i] ?? name}
          class="moment"
          type="datetime-local"
          value={query.get(name) ?? ''}
          change={(time) => setFilters({ [name]: time })}
        />
      ))}
    </>
  )
}
