import type { JSX } from 'preact'
import type { Pages } from '../api/pages.js'
import { Icon } from './icon.js'
import { counted } from './numbers.js'

/** How much of a list is shown. */
export function ListFoot<T>({
  list,
  noun,
}: {
  list: Pages<T>
  noun: readonly [string, string]
}): JSX.Element {
  const { items, hasMore, isLoading } = list
  return (
    <>
      <span>
        {counted(items.length, ...noun)}
        {hasMore ? ', more as you scroll' : ''}
      </span>
      {isLoading && <Icon name="spinner" spins />}
      <button type="button" class="button plain slim" onClick={list.reload}>
        <Icon name="retry" /> Read again
      </button>
    </>
  )
}
