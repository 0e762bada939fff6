import type { JSX } from 'preact'
import { useQuery } from '../../api/query.js'
import { Marked } from '../../ui/marked.js'
import { Failure, Loading } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { Searched } from '../../ui/searched.js'

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
  return (
    <Page title="Settings">
      <p class="quiet">The environment of the server sets them; a restart reads them again.</p>
      {error && <Failure error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && (
        <Searched items={data.settings} textOf={textOf} placeholder="RATE_LIMIT" none="No setting matches">
          {(found) => (
            <dl class="settings card">
              {found.map(({ key, value, meaning, isDefault }) => (
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
            </dl>
          )}
        </Searched>
      )}
    </Page>
  )
}

const textOf = ({ key, meaning }: Setting): string => `${key} ${meaning}`
