import { type InboundEvent, invalid, isStorable } from '@plugboard/core'
import { endpointOf, timeOf } from './endpoint.js'
import { notice } from './message-contents.js'
import { type Action, type Interaction, readInteraction } from './payloads.js'
import { unescapeText } from './readable-text.js'

/** Prefix of the `action_id` of a button that opens a link. Slack reports the press; it is ignored. */
export const OPENS_URL = 'open_url'

/** Kinds without an action: a closed dialog, or a menu that requests its options. */
const IGNORED = new Set(['view_closed', 'block_suggestion', 'dialog_cancellation'])

/** Reads what a person did with a button, a menu or a dialog. `at` is the time of the request. */
export function parseInteraction(value: unknown, at: Date): InboundEvent[] {
  const interaction = readInteraction(value)
  if (IGNORED.has(interaction.type)) return []
  if (interaction.type !== 'block_actions') {
    if (!interaction.trigger_id) throw invalid({ path: ['payload', 'trigger_id'], message: 'is required' })
    return [
      {
        ...base(interaction, interaction.trigger_id, at),
        type: 'message',
        content: notice(interaction.type),
      },
    ]
  }
  return (interaction.actions ?? []).flatMap((action) => parseAction(interaction, action, at))
}

function parseAction(interaction: Interaction, action: Action, at: Date): InboundEvent[] {
  const { type, action_id, block_id, action_ts } = action
  const unique = action_ts ?? interaction.trigger_id
  if (!unique) throw invalid({ path: ['payload', 'actions', 'action_ts'], message: 'is required' })
  if (action_id.startsWith(OPENS_URL)) return []
  const about = base(
    interaction,
    [unique, block_id, action_id].filter(isStorable).join(':'),
    action_ts ? timeOf(action_ts) : at,
  )
  const [token, label] =
    type === 'static_select'
      ? [action.selected_option?.value, action.selected_option?.text?.text]
      : [type === 'button' ? action.value : undefined, action.text?.text]
  if (!token) return [{ ...about, type: 'message', content: notice(type) }]
  return [{ ...about, type: 'choice', token, ...(label && { label: unescapeText(label) }) }]
}

function base({ user, channel, container, message }: Interaction, key: string, at: Date) {
  const ts = message?.ts ?? container?.message_ts
  const threadTs = message?.thread_ts ?? container?.thread_ts
  const name = user.name || user.username
  return {
    dedupeKey: `action:${key}`,
    endpoint: endpointOf(user.id, channel?.id ?? container?.channel_id, threadTs, ts),
    at,
    ...(name && { person: { name } }),
  }
}
