import type { JSX } from 'preact'
import type { Channel, Mode } from '../../api/wire.js'
import { SelectField } from '../../ui/fields.js'

const LABELS: Readonly<Record<Mode, string>> = {
  webhook: 'The provider calls this server',
  listen: 'This server connects to the provider',
  direct: 'People reach this server itself',
}

/** How the channel gets messages, if there is a choice. */
export function ModeField({
  channel: { modes },
  mode,
  change,
}: {
  channel: Channel
  mode: Mode
  change(mode: Mode): void
}): JSX.Element | null {
  if (modes.length < 2) return null
  return (
    <SelectField
      label="How messages come in"
      hint="Providers can call only servers that the internet reaches. A connection works from anywhere."
      value={mode}
      options={modes.map((each) => [each.mode, LABELS[each.mode]] as const)}
      change={(value) => change(value === 'listen' ? 'listen' : 'webhook')}
    />
  )
}

/** Fields that a mode needs beside those that are always required. */
export const neededIn = ({ modes }: Channel, mode: Mode): readonly string[] =>
  modes.find((each) => each.mode === mode)?.needs.flat() ?? []
