import type { JSX } from 'preact'
import type { CreatedClient } from '../../api/wire.js'
import { copy } from '../../ui/copy.js'
import { Dialog } from '../../ui/dialog.js'
import { Icon } from '../../ui/icon.js'

/** What the bot needs, which is shown once. */
export function Credentials({
  created: { client, token },
  close,
}: {
  created: CreatedClient
  close(): void
}): JSX.Element {
  const text = `PLUGBOARD_CLIENT_ID=${client.id}\nPLUGBOARD_CLIENT_TOKEN=${token}\n`
  return (
    <Dialog title="The client is created" close={close}>
      <p>The bot needs these two. The token is shown only now.</p>
      <dl class="facts">
        <dt>Id</dt>
        <dd>
          <code>{client.id}</code>
        </dd>
        <dt>Token</dt>
        <dd>
          <code>{token}</code>
        </dd>
      </dl>
      <div class="actions">
        <button type="button" class="button" onClick={() => void copy(text)}>
          <Icon name="copy" /> Copy both
        </button>
        <button type="button" class="button primary" onClick={close}>
          Done
        </button>
      </div>
    </Dialog>
  )
}
