import type { JSX } from 'preact'
import { useQuery } from '../../api/query.js'
import type { Client } from '../../api/wire.js'
import { at } from '../../route/location.js'
import { useMay } from '../../shell/session.js'
import { Icon } from '../../ui/icon.js'

/** On a server without clients: where to begin. */
export function FirstSteps(): JSX.Element | null {
  const { data } = useQuery<{ items: Client[] }>('clients?limit=1')
  const may = useMay('admin')
  if (!data || data.items.length > 0 || !may) return null
  return (
    <section class="notice" aria-label="First steps">
      <Icon name="start" />
      <div class="grow">
        <h2>This server has no client yet</h2>
        <p class="quiet">
          Three steps lead to the first message: a client for your bot, a channel, and the message.
        </p>
      </div>
      <a class="button primary" href={at('start')}>
        Begin
      </a>
    </section>
  )
}
