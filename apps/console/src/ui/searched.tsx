import type { ComponentChildren, JSX } from 'preact'
import { setFilters, usePlace } from '../route/location.js'
import { Empty } from './notice.js'
import { SearchField } from './search-field.js'

/** A list of as many needs no search. */
const FEW = 5

/** A list that is read as a whole, with a search in the address: those whose text has what is looked for. */
export function Searched<T>({
  items,
  textOf,
  placeholder,
  none,
  children,
}: {
  items: readonly T[]
  textOf(item: T): string
  /** What such a search may look like. */
  placeholder: string
  /** Title where nothing is found. */
  none: string
  children(found: readonly T[]): ComponentChildren
}): JSX.Element {
  const search = usePlace().query.get('search') ?? ''
  const words = search.toLowerCase()
  const found = items.filter((item) => textOf(item).toLowerCase().includes(words))
  return (
    <>
      {(items.length > FEW || search !== '') && (
        <search class="filters">
          <SearchField
            label="Search"
            placeholder={placeholder}
            value={search}
            change={(text) => setFilters({ search: text })}
          />
        </search>
      )}
      {found.length > 0 || search === '' ? (
        children(found)
      ) : (
        <Empty icon="search" title={none}>
          <button type="button" class="button" onClick={() => setFilters({ search: undefined })}>
            Remove the search
          </button>
        </Empty>
      )}
    </>
  )
}
