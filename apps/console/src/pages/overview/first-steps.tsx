import type { JSX } from 'preact'
import { at } from '../../route/location.js'
import { useMay } from '../../shell/session.js'
import { Icon } from '../../ui/icon.js'

/** On a server without clients: where to begin. */
export function FirstSteps(): JSX.Element {
  const may = useMay('admin')
  return (
    <section class="notice" aria-label="First steps">
      <Icon name="start" />
      <div class="grow">
        <h2>This server has no client yet</h2>
        <p class="quiet">
          Three steps lead to the first message: a client for the bot, a channel, and the message.
          {!may && ' An operator with the role admin takes them.'}
        </p>
      </div>
      {may && (
        <a class="button primary" href={at('start')}>
          Begin
        </a>
      )}
    </section>
  )
}
