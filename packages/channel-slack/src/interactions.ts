import { type InboundContent, type InboundEvent, invalid, isStorable } from '@plugboard/core'
import { endpointOf, messageKey, timeOf } from './endpoint.js'
import { choiceOf, isCleared, textOfEntry } from './entries.js'
import { fileContent } from './file-content.js'
import { contentsOf, type MessageContent } from './message-contents.js'
import { notice } from './notice.js'
import { type Action, findPost, type Interaction, readInteraction, type View } from './payloads.js'
import { unescapeText } from './readable-text.js'

/** Prefix of the `action_id` of a button that opens a link. Slack reports the press; it is ignored. */
export const OPENS_URL = 'open_url'

/** Kinds in which a person says nothing: a closed dialog, or a menu that requests its options. */
const IGNORED = new Set([
  'view_closed',
  'block_suggestion',
  'dialog_cancellation',
  'dialog_suggestion',
  'workflow_step_edit',
])

/** Reads what a person did with a button, a menu, a shortcut or a dialog. `at` is the time of the request. */
export function parseInteraction(value: unknown, at: Date): InboundEvent[] {
  const interaction = readInteraction(value)
  const { type, actions } = interaction
  if (IGNORED.has(type)) return []
  if (type === 'block_actions') {
    return (actions ?? []).flatMap((action) => parseAction(interaction, action, at))
  }
  const key = keyOf(interaction)
  const presses = type === 'interactive_message' ? attachmentChoices(interaction, key, at) : []
  if (presses.length > 0) return presses
  return contentsOfInteraction(interaction).map(({ suffix, content }) => ({
    ...base(interaction, key + suffix, at),
    type: 'message',
    content,
  }))
}

/** What makes it unique. A dialog of the old kind has no trigger, and one without a channel only its own id. */
function keyOf({ trigger_id, action_ts, view }: Interaction): string {
  const key = trigger_id ?? action_ts ?? (view?.id && [view.id, view.hash].filter(Boolean).join(':'))
  if (!key || !isStorable(key)) throw invalid({ path: ['payload', 'trigger_id'], message: 'is required' })
  return key
}

function contentsOfInteraction(interaction: Interaction): MessageContent[] {
  const { type, message, view, submission } = interaction
  const name = `[${interaction.callback_id || view?.callback_id || type}]`
  switch (type) {
    case 'message_action':
      return shortcutContents(name, message)
    case 'view_submission':
      return view ? viewContents(name, view) : [{ suffix: '', content: textContent(name) }]
    case 'dialog_submission': {
      const fields = Object.entries(submission ?? {}).flatMap(([field, value]) =>
        value ? [`${field}: ${value}`] : [],
      )
      return [{ suffix: '', content: textContent(name, ...fields) }]
    }
    default:
      return [{ suffix: '', content: textContent(name) }]
  }
}

/** Buttons and menus of the old kind, in attachments. They have values, and no labels here. */
function attachmentChoices(interaction: Interaction, key: string, at: Date): InboundEvent[] {
  const about = { ...base(interaction, key, at), ...refersTo(interaction) }
  const tokens = (interaction.actions ?? []).flatMap(({ name, ...action }) => {
    const token = choiceOf(action)?.token || name
    return token ? [token] : []
  })
  return tokens.map((token, i) => ({
    ...about,
    dedupeKey: i === 0 ? about.dedupeKey : `${about.dedupeKey}:${i}`,
    type: 'choice',
    token,
  }))
}

const textContent = (...lines: string[]): InboundContent => ({ type: 'text', text: lines.join('\n') })

/** A shortcut on a message: its name, then the message with its author and its files. */
function shortcutContents(name: string, message: unknown): MessageContent[] {
  const post = findPost(message)
  const contents = post ? contentsOf(post) : []
  const [first] = contents
  const words = first?.content.type === 'text' ? String(first.content.text) : undefined
  const text = words === undefined ? [] : [post?.user ? `@${post.user}: ${words}` : words]
  const files = contents.slice(words === undefined ? 0 : 1)
  return [
    { suffix: '', content: textContent(name, ...text) },
    ...files.map(({ suffix, content }, i) => ({ suffix: suffix || `:file${i}`, content })),
  ]
}

/** A dialog: its name, then what the person entered below the label of each field, then the files. */
function viewContents(name: string, { blocks, state }: View): MessageContent[] {
  const labels = new Map((blocks ?? []).map(({ block_id, label }) => [block_id, label?.text]))
  const entries = Object.entries(state?.values ?? {}).flatMap(([block, elements]) =>
    Object.entries(elements).map(([action, entry]) => ({ label: labels.get(block) || action, entry })),
  )
  const lines = entries.flatMap(({ label, entry }) => {
    const text = textOfEntry(entry)
    return text === '' ? [] : [`${unescapeText(label)}: ${text}`]
  })
  const files = entries.flatMap(({ entry }) => entry.files ?? [])
  return [
    { suffix: '', content: textContent(name, ...lines) },
    ...files.map((file) => ({ suffix: `:${file.id}`, content: fileContent(file) })),
  ]
}

function parseAction(interaction: Interaction, action: Action, at: Date): InboundEvent[] {
  const { type, action_id, block_id, action_ts } = action
  const unique = action_ts ?? interaction.trigger_id
  if (!unique) throw invalid({ path: ['payload', 'actions', 'action_ts'], message: 'is required' })
  // Slack itself opens the link, or starts the workflow.
  if (action_id.startsWith(OPENS_URL) || type === 'workflow_button') return []
  const key = [unique, block_id, action_id].filter(isStorable).join(':')
  const about = base(interaction, key, action_ts ? timeOf(action_ts) : at)
  const choice = choiceOf(action)
  if (choice) return [{ ...about, ...refersTo(interaction), type: 'choice', ...choice }]
  const text = textOfEntry(action)
  if (text === '' && isCleared(action)) return []
  return [{ ...about, type: 'message', content: text === '' ? notice(type) : textContent(text) }]
}

/** The message with the element, by the id that `deliver` returned for it. None in the home of the app. */
function refersTo({ channel, container, message, message_ts }: Interaction): { refersTo?: string } {
  const ts = message?.ts ?? container?.message_ts ?? message_ts
  const id = channel?.id ?? container?.channel_id
  return ts && id ? { refersTo: messageKey(id, ts) } : {}
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
