import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useQuery } from '../../api/query.js'
import { Marked } from '../../ui/marked.js'
import { Failure, Loading } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { SearchField } from '../../ui/search-field.js'

interface Setting {
  key: string
  /** Secrets are `***`. Absent: not set. */
  value?: string
  default?: string
  isDefault: boolean
  meaning: string
}

/** The settings that the server works with. Secrets are not shown. */
export function SettingsPage(): JSX.Element {
  const { data, error, reload } = useQuery<{ settings: Setting[] }>('settings')
  const [search, setSearch] = useState('')
  const words = search.toLowerCase()
  const shown = (data?.settings ?? []).filter(({ key, meaning }) =>
    `${key} ${meaning}`.toLowerCase().includes(words),
  )
  return (
    <Page title="Settings">
      <p class="quiet">The environment of the server sets them; a restart reads them again.</p>
      <search class="filters">
        <SearchField label="Search" placeholder="RATE_LIMIT" value={search} change={setSearch} />
      </search>
      {error && <Failure error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && (
        <dl class="settings card">
          {shown.map(({ key, value, meaning, isDefault }) => (
            <div key={key}>
              <dt>
                <code>{key}</code>
              </dt>
              <dd>
                <span class="mono">{value ?? 'not set'}</span>
                {isDefault && value !== undefined && <span class="small quiet"> default</span>}
                <p class="small quiet">
                  <Marked text={meaning} />
                </p>
              </dd>
            </div>
          ))}
          {shown.length === 0 && <p class="quiet">No setting has this name.</p>}
        </dl>
      )}
    </Page>
  )
}
