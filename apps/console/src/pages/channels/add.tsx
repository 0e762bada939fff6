import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useQuery } from '../../api/query.js'
import type { Channel, Integration } from '../../api/wire.js'
import { Icon } from '../../ui/icon.js'
import { Failure, Loading } from '../../ui/notice.js'
import { aboutOf } from './about.js'
import { ChannelForm } from './channel-form.js'

/** Chooses a channel, then its configuration, which the server checks at the provider. */
export function AddIntegration({
  clientId,
  added,
}: {
  clientId: string
  added(integration: Integration): void
}): JSX.Element {
  const { data, error, reload } = useQuery<{ items: Channel[] }>('channels')
  const [chosen, setChosen] = useState<string>()
  const channel = data?.items.find(({ name }) => name === chosen)
  if (error) return <Failure error={error} retry={reload} />
  if (!data) return <Loading />
  if (channel) {
    return (
      <ChannelForm clientId={clientId} channel={channel} added={added} back={() => setChosen(undefined)} />
    )
  }
  return (
    <ul class="tiles" aria-label="Channels">
      {byTitle(data.items).map(({ name, title }) => (
        <li key={name}>
          <button type="button" class="button tile" onClick={() => setChosen(name)}>
            <Icon name="channel" />
            <span>
              {title}
              <span class="small quiet">{aboutOf(name)}</span>
            </span>
          </button>
        </li>
      ))}
    </ul>
  )
}

const byTitle = (channels: readonly Channel[]): Channel[] =>
  [...channels].sort((a, b) => a.title.localeCompare(b.title))
