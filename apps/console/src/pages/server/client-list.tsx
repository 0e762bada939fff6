import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { type Pages, usePages } from '../../api/pages.js'
import { withQuery } from '../../api/request.js'
import { setFilters, usePlace } from '../../route/location.js'
import { Icon, type IconName } from '../../ui/icon.js'
import { ListFoot } from '../../ui/list-foot.js'
import { Empty, Failure, Loading } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { SearchField } from '../../ui/search-field.js'
import { VirtualList } from '../../ui/virtual-list.js'

/** What a dialog of the list needs. */
export interface ListDialog<T> {
  /** The client of the filter. */
  client: string | undefined
  list: Pages<T>
  close(): void
}

/** A page with what clients have, of all clients or of one, to be created and removed by dialogs. */
export function ClientList<T>({
  path,
  title,
  about,
  noun,
  icon,
  empty: [none, noneOfClient, how],
  columns,
  head,
  keyOf,
  row,
  create,
  remove,
}: {
  path: string
  title: string
  about: string
  noun: readonly [one: string, many: string]
  icon: IconName
  /** Said when there is none at all or of the client, and what one is for. */
  empty: readonly [none: string, noneOfClient: string, how: string]
  columns: string
  head: ComponentChildren
  keyOf(item: T): string
  row(item: T, remove: () => void): JSX.Element
  create(dialog: ListDialog<T>): JSX.Element
  remove(item: T, dialog: ListDialog<T>): JSX.Element
}): JSX.Element {
  const client = usePlace().query.get('client') ?? ''
  const list = usePages<T>(withQuery(path, { client }))
  const [isCreating, setIsCreating] = useState(false)
  const [removed, setRemoved] = useState<T>()
  const { items, error, isLoading } = list
  const of = { client: client === '' ? undefined : client, list }
  return (
    <Page
      title={title}
      actions={
        <button type="button" class="button primary" onClick={() => setIsCreating(true)}>
          <Icon name="plus" /> New {noun[0]}
        </button>
      }
    >
      <p class="quiet">{about}</p>
      <search class="filters">
        <SearchField
          label="Client id"
          placeholder="All clients"
          value={client}
          change={(value) => setFilters({ client: value })}
        />
      </search>
      {error && <Failure error={error} retry={list.reload} />}
      {items.length === 0 && isLoading && <Loading />}
      {items.length === 0 && !isLoading && !error && (
        <Empty icon={icon} title={client === '' ? none : noneOfClient}>
          <p>{how}</p>
        </Empty>
      )}
      {items.length > 0 && (
        <VirtualList
          label={title}
          items={items}
          keyOf={keyOf}
          columns={columns}
          loadMore={list.loadMore}
          head={head}
          row={(item) => row(item, () => setRemoved(item))}
          foot={<ListFoot list={list} noun={noun} />}
        />
      )}
      {isCreating && create({ ...of, close: () => setIsCreating(false) })}
      {removed !== undefined && remove(removed, { ...of, close: () => setRemoved(undefined) })}
    </Page>
  )
}
