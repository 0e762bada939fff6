import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { request } from '../../api/request.js'
import type { Channel, Integration } from '../../api/wire.js'
import { TextField } from '../../ui/fields.js'
import { FormFailure, faultOf } from '../../ui/form-failure.js'
import { Icon } from '../../ui/icon.js'
import { SchemaFields } from '../../ui/schema-form.js'
import { configOf, type Texts } from '../../ui/schema-values.js'
import { useSubmit } from '../../ui/use-submit.js'
import { ModeField, neededIn } from './mode-field.js'

/** The configuration of a new channel. */
export function ChannelForm({
  clientId,
  channel,
  added,
  back,
}: {
  clientId: string
  channel: Channel
  added(integration: Integration): void
  back(): void
}): JSX.Element {
  const { config: schema, secrets, name: channelName, modes, title } = channel
  const [values, setValues] = useState<Texts>({})
  const [name, setName] = useState('')
  const [mode, setMode] = useState(modes[0]?.mode ?? 'webhook')
  const setup = modes.find((each) => each.mode === mode)?.setup
  const { error, isSending, onSubmit } = useSubmit(async () => {
    const body = {
      channel: channelName,
      ...(name.trim() !== '' && { name: name.trim() }),
      ...(modes.length > 1 && { mode }),
      config: configOf(schema, values),
    }
    added(
      await request<Integration>('POST', `clients/${encodeURIComponent(clientId)}/integrations`, { body }),
    )
  })
  return (
    <section class="card" aria-labelledby="channel-title">
      <div class="cluster apart">
        <h2 id="channel-title">{title}</h2>
        <button type="button" class="button slim" onClick={back}>
          Another channel
        </button>
      </div>
      <form class="form" onSubmit={onSubmit}>
        <ModeField channel={channel} mode={mode} change={setMode} />
        <SchemaFields
          schema={schema}
          secrets={secrets}
          needed={neededIn(channel, mode)}
          values={values}
          change={setValues}
          error={error}
        />
        <TextField
          label="Name (optional)"
          hint={`If the client has several channels of this kind. Default: ${channelName}`}
          value={name}
          change={setName}
          fault={faultOf(error, 'name')}
        />
        {setup !== undefined && (
          <details>
            <summary>What you will do at the provider</summary>
            <pre>{setup}</pre>
          </details>
        )}
        {error && <FormFailure error={error} fields={['name', ...Object.keys(schema.properties ?? {})]} />}
        <div class="cluster">
          <button type="submit" class="button primary" disabled={isSending}>
            {isSending && <Icon name="spinner" spins />} Add and check
          </button>
        </div>
      </form>
    </section>
  )
}
