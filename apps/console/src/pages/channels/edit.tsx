import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useQuery } from '../../api/query.js'
import { request } from '../../api/request.js'
import type { Channel, Integration } from '../../api/wire.js'
import { useMay } from '../../shell/session.js'
import { say } from '../../shell/toasts.js'
import { TextField } from '../../ui/fields.js'
import { FormFailure } from '../../ui/form-failure.js'
import { Icon } from '../../ui/icon.js'
import { SchemaFields } from '../../ui/schema-form.js'
import { configOf, textsOf } from '../../ui/schema-values.js'
import { useSubmit } from '../../ui/use-submit.js'
import { ModeField, neededIn } from './mode-field.js'

/** The configuration of a channel. Secrets stay as they are if they are not entered. */
export function EditIntegration({
  path,
  integration,
  saved,
}: {
  path: string
  integration: Integration
  saved(): Promise<void>
}): JSX.Element | null {
  const { data } = useQuery<{ items: Channel[] }>('channels')
  const may = useMay('admin')
  const channel = data?.items.find(({ name }) => name === integration.channel)
  if (!channel || !may) return null
  return <Form key={integration.id} path={path} integration={integration} channel={channel} saved={saved} />
}

function Form({
  path,
  integration,
  channel,
  saved,
}: {
  path: string
  integration: Integration
  channel: Channel
  saved(): Promise<void>
}): JSX.Element {
  const { config: schema, secrets } = channel
  const [values, setValues] = useState(() => textsOf(schema, integration.config))
  const [mode, setMode] = useState(integration.mode)
  const [displayName, setDisplayName] = useState(integration.displayName ?? '')
  const { error, isSending, onSubmit } = useSubmit(async () => {
    try {
      const name = displayName.trim()
      const body = {
        config: configOf(schema, values),
        ...(mode !== integration.mode && { mode }),
        ...(name !== (integration.displayName ?? '') && { displayName: name === '' ? null : name }),
      }
      await request('PATCH', path, { body })
      say('The configuration is saved, and the provider accepts it.')
      setValues((before) => ({ ...before, ...Object.fromEntries(secrets.map((name) => [name, ''])) }))
    } finally {
      await saved()
    }
  })
  return (
    <section class="card" aria-labelledby="config-title">
      <h2 id="config-title">Configuration</h2>
      <form class="form" onSubmit={onSubmit}>
        <TextField
          label="Name for people (optional)"
          hint={`The address that the provider calls keeps the name \`${integration.name}\`.`}
          value={displayName}
          change={setDisplayName}
        />
        <ModeField channel={channel} mode={mode} change={setMode} />
        <SchemaFields
          schema={schema}
          secrets={secrets}
          needed={neededIn(channel, mode)}
          values={values}
          change={setValues}
          error={error}
          kept={integration.secrets}
        />
        {error && <FormFailure error={error} fields={Object.keys(schema.properties ?? {})} />}
        <div class="cluster">
          <button type="submit" class="button primary" disabled={isSending}>
            {isSending && <Icon name="spinner" spins />} Save and check
          </button>
        </div>
      </form>
    </section>
  )
}
