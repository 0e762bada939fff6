import type { JSX } from 'preact'
import type { Integration } from '../../api/wire.js'
import { copy } from '../../ui/copy.js'
import { Icon } from '../../ui/icon.js'

/** What a person has to do at the provider. */
export function Setup({
  integration: { setup, webhookUrl, mode },
}: {
  integration: Pick<Integration, 'setup' | 'webhookUrl' | 'mode'>
}): JSX.Element | null {
  const hasAddress = mode === 'webhook' && webhookUrl !== undefined
  if (setup === undefined && !hasAddress) return null
  return (
    <section class="card" aria-labelledby="setup-title">
      <h2 id="setup-title">At the provider</h2>
      {setup !== undefined && <pre>{setup}</pre>}
      {hasAddress && (
        <div class="cluster">
          <span class="quiet">Address that the provider calls:</span>
          <code class="cut">{webhookUrl}</code>
          <button
            type="button"
            class="button slim"
            onClick={() => void copy(webhookUrl, 'The address is copied.')}
          >
            <Icon name="copy" /> Copy
          </button>
        </div>
      )}
    </section>
  )
}
