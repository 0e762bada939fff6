import type { JSX } from 'preact'
import type { Trouble } from '../../api/wire.js'
import { at } from '../../route/location.js'

/** What ends a trouble, first what most likely helps, then what it left behind. */
export function Fix({ trouble }: { trouble: Trouble }): JSX.Element {
  const { clientId, target, fix } = trouble
  const advice = ADVICE[fix]
  if (target.id === undefined || clientId === undefined) return <p>{advice}</p>
  if (target.kind === 'client')
    return (
      <>
        <p>{advice}</p>
        <a class="button primary" href={at('clients', clientId)}>
          Client
        </a>
      </>
    )
  const isWebhook = target.kind === 'webhook'
  const page = isWebhook
    ? at('clients', clientId, 'webhooks')
    : at('clients', clientId, 'channels', target.id)
  const name = isWebhook ? 'See the webhook' : 'See the channel'
  const deliveries = (state: string) =>
    `${at('clients', clientId, 'deliveries')}?state=${state}&target=${encodeURIComponent(target.id ?? '')}`
  return (
    <>
      {advice !== undefined && <p>{advice}</p>}
      <div class="cluster">
        {fix !== 'replay' && (
          <a class="button primary" href={page}>
            {fix === 'credentials' ? 'Enter new credentials' : name}
          </a>
        )}
        <a class={fix === 'replay' ? 'button primary' : 'button'} href={deliveries('dead')}>
          What was given up
        </a>
        <a class="button" href={fix === 'replay' ? page : deliveries('retrying')}>
          {fix === 'replay' ? name : 'What waits'}
        </a>
      </div>
    </>
  )
}

const ADVICE: Readonly<Record<string, string>> = {
  wait: 'It is retried automatically. Once it works, replay what was given up.',
  install: 'Install the package of the channel on the server, and restart it.',
  sync: 'The bot has to give the webhook again, with the call sync of the API.',
  resume: 'Somebody paused it here. Resume it, and what waits is delivered in order.',
  replay: 'It works again. Replay what was given up, or discard it.',
  read: 'The bot has to read the events of this webhook, and acknowledge them.',
  space: 'Delete data of the client, or let it store more.',
  start: 'Start a server whose role is to deliver.',
}
