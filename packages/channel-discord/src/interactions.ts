import type { Endpoint, InboundContent, InboundEvent, JsonObject, Person } from '@plugboard/core'
import { invalid } from '@plugboard/core'
import { z } from 'zod'
import { endpointOf, messageKey, timeOf } from './endpoint.js'
import { contentsOf, fileContent, type MessageContent } from './message-contents.js'
import { notice } from './notice.js'
import {
  type Command,
  type Entry,
  findMessage,
  type Interaction,
  type Option,
  type Resolved,
  readCommand,
  readInteraction,
  readModal,
  readPress,
} from './payloads.js'
import { nameOf } from './readable-text.js'

/** https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-interaction-type */
const [COMMAND, COMPONENT, AUTOCOMPLETE, MODAL] = [2, 3, 4, 5]
/** Types of answers. https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object */
const [DEFERRED_MESSAGE, DEFERRED_UPDATE, SUGGESTIONS] = [5, 6, 8]
/** https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-interaction-context-types */
const BOT_DM = 1
/** Kinds of commands. https://docs.discord.com/developers/interactions/application-commands */
const [USER_COMMAND, MESSAGE_COMMAND] = [2, 3]
/** https://docs.discord.com/developers/interactions/application-commands#application-command-object-application-command-option-type */
const [USER, CHANNEL, ROLE, MENTIONABLE, ATTACHMENT] = [6, 7, 8, 9, 11]
/** Components of a message. https://docs.discord.com/developers/components/reference#component-object-component-types */
const [BUTTON, STRING_SELECT, FILE_UPLOAD] = [2, 3, 19]

/** What an interaction means, and the answer that Discord expects within three seconds. */
export interface Interacted {
  events: InboundEvent[]
  answer: JsonObject
}

/**
 * What a reply needs: the token of the interaction. `isDeferred`: Discord shows that the bot thinks, until the reply takes
 * its place. `isMember`: the bot is in the channel, and can write there without the token.
 */
export const replySchema = z.object({
  token: z.string().regex(/^[\w-][\x21-\x7e]{0,1999}$/),
  isDeferred: z.boolean(),
  isMember: z.boolean(),
})

/** Reads what a person did with a command, a button, a menu or a form. @throws PlugboardError INVALID */
export function parseInteraction(value: unknown, applicationId: string): Interacted {
  const interaction = readInteraction(value)
  if (interaction.application_id !== applicationId)
    throw invalid({ path: ['body', 'application_id'], message: 'is of another application' })
  switch (interaction.type) {
    case COMMAND:
      return commanded(interaction)
    case COMPONENT:
      return pressed(interaction)
    case AUTOCOMPLETE:
      return { events: [], answer: { type: SUGGESTIONS, data: { choices: [] } } }
    case MODAL:
      return submitted(interaction)
    default:
      return said(
        interaction,
        [{ suffix: '', content: notice(`interaction of type ${interaction.type}`) }],
        false,
      )
  }
}

/** Messages of a person, which wait for a reply if they are deferred. */
function said(
  interaction: Interaction,
  contents: readonly MessageContent[],
  isDeferred: boolean,
): Interacted {
  const about = { ...baseOf(interaction), ...replyContext(interaction, isDeferred) }
  return {
    events: contents.map(({ suffix, content }) => ({
      ...about,
      type: 'message',
      dedupeKey: about.dedupeKey + suffix,
      content,
    })),
    answer: { type: isDeferred ? DEFERRED_MESSAGE : DEFERRED_UPDATE },
  }
}

interface Base {
  dedupeKey: string
  endpoint: Endpoint
  at: Date
  person?: Person
}

function baseOf({ id, channel_id, channel, member, user: own, locale }: Interaction): Base {
  const user = member?.user ?? own
  if (!user) throw invalid({ path: ['body', 'user'], message: 'is required' })
  const name = nameOf(user, member?.nick)
  const person = { ...(name && { name }), ...(locale && { locale }) }
  return {
    dedupeKey: `interaction:${id}`,
    endpoint: endpointOf(user.id, channel_id ?? channel?.id),
    at: timeOf(id),
    ...(Object.keys(person).length > 0 && { person }),
  }
}

/** In servers and direct messages that the bot is in, only a deferred reply needs the token. */
function replyContext(interaction: Interaction, isDeferred: boolean): { context?: JsonObject } {
  const { token, context, authorizing_integration_owners: owners } = interaction
  const isMember = context === BOT_DM || owners == null || Object.hasOwn(owners, '0')
  const reply = { token, isDeferred, isMember }
  return (isDeferred || !isMember) && replySchema.safeParse(reply).success ? { context: reply } : {}
}

function pressed(interaction: Interaction): Interacted {
  const { custom_id, component_type, values, resolved } = readPress(interaction.data)
  const { message, channel_id } = interaction
  const channel = message?.channel_id ?? channel_id
  const about = {
    ...baseOf(interaction),
    ...replyContext(interaction, false),
    ...(message && channel && { refersTo: messageKey(channel, message.id) }),
  }
  const tokens = component_type === BUTTON ? [custom_id] : (values ?? []).filter(Boolean)
  return {
    events: tokens.map((token, i) => {
      const label =
        component_type === BUTTON || component_type === STRING_SELECT
          ? labelIn(message?.components, token)
          : nameIn(resolved, token)
      return {
        ...about,
        type: 'choice',
        dedupeKey: i === 0 ? about.dedupeKey : `${about.dedupeKey}:${i}`,
        token,
        ...(label && { label }),
      }
    }),
    answer: { type: DEFERRED_UPDATE },
  }
}

/** Deepest level of the components of a message. */
const MAX_DEPTH = 8

const labelledSchema = z.object({
  custom_id: z.string().nullish().catch(undefined),
  value: z.string().nullish().catch(undefined),
  label: z.string().nullish().catch(undefined),
})

/** The label of the button or option with this value, in the components of the message. */
function labelIn(components: unknown, token: string, depth = 0): string | undefined {
  if (typeof components !== 'object' || components === null || depth > MAX_DEPTH) return undefined
  if (!Array.isArray(components)) {
    const { data } = labelledSchema.safeParse(components)
    if (data?.label && (data.custom_id === token || data.value === token)) return data.label
  }
  for (const inner of Object.values(components)) {
    const label = labelIn(inner, token, depth + 1)
    if (label !== undefined) return label
  }
  return undefined
}

/** The name of a person, a role or a channel that was chosen. */
function nameIn(resolved: Resolved | null | undefined, id: string): string | undefined {
  const own = <T>(map: Record<string, T> | null | undefined): T | undefined =>
    map && Object.hasOwn(map, id) ? map[id] : undefined
  const { users, members, roles, channels } = resolved ?? {}
  return nameOf(own(users), own(members)?.nick) ?? own(roles)?.name ?? own(channels)?.name ?? undefined
}

function commanded(interaction: Interaction): Interacted {
  const command = readCommand(interaction.data)
  switch (command.type ?? 1) {
    case USER_COMMAND: {
      const name = command.target_id && nameIn(command.resolved, command.target_id)
      return said(interaction, [text([`[${command.name}]`, name && `@${name}`])], true)
    }
    case MESSAGE_COMMAND:
      return said(interaction, messageCommand(command, interaction), true)
    default:
      return said(interaction, slashCommand(command), true)
  }
}

const text = (words: readonly (string | null | undefined)[], more: JsonObject = {}): MessageContent => ({
  suffix: '',
  content: { type: 'text', text: words.filter(Boolean).join(' '), ...more },
})

/** `/weather Québec` or `/order item: tea count: 2`, and the values as they are in `command`. Then the files. */
function slashCommand({ name, options, resolved }: Command): MessageContent[] {
  const { path, values } = flattened(options ?? [])
  const shown = values.map(({ name, type, value }) => ({ name, text: optionText(type, value, resolved) }))
  const [only] = shown
  const words = shown.length === 1 && only ? [only.text] : shown.map(({ name, text }) => `${name}: ${text}`)
  const command = {
    name: [name, ...path].join(' '),
    options: Object.fromEntries(values.map(({ name, value }) => [name, value ?? null])),
  }
  const files = values.flatMap(({ type, value }) =>
    type === ATTACHMENT ? fileIn(resolved, String(value)) : [],
  )
  return [text([`/${command.name}`, ...words], { command }), ...files]
}

/** Subcommands are options that have options. */
function flattened(options: readonly Option[]): { path: string[]; values: readonly Option[] } {
  const [first] = options
  if (!first?.options && first?.value != null) return { path: [], values: options }
  if (!first) return { path: [], values: [] }
  const inner = flattened(first.options ?? [])
  return { path: [first.name, ...inner.path], values: inner.values }
}

function optionText(type: number, value: Option['value'], resolved: Command['resolved']): string {
  const id = String(value ?? '')
  const name = nameIn(resolved, id)
  switch (type) {
    case USER:
    case ROLE:
    case MENTIONABLE:
      return `@${name ?? id}`
    case CHANNEL:
      return `#${name ?? id}`
    case ATTACHMENT:
      return attachmentIn(resolved, id)?.filename ?? '[file]'
    default:
      return id
  }
}

const attachmentIn = (resolved: Command['resolved'], id: string) =>
  resolved?.attachments && Object.hasOwn(resolved.attachments, id) ? resolved.attachments[id] : undefined

function fileIn(resolved: Command['resolved'], id: string): MessageContent[] {
  const attachment = attachmentIn(resolved, id)
  return attachment ? [{ suffix: `:${attachment.id}`, content: fileContent(attachment) }] : []
}

/** A command on a message: its name, then the message with its author and its files. */
function messageCommand(
  { name, target_id, resolved }: Command,
  { application_id }: Interaction,
): MessageContent[] {
  const value =
    target_id && resolved?.messages && Object.hasOwn(resolved.messages, target_id)
      ? resolved.messages[target_id]
      : undefined
  const message = findMessage(value)
  const contents = message ? contentsOf(message, application_id) : []
  const words = contents
    .map(({ content }) => content.text ?? content.title)
    .find((said) => typeof said === 'string')
  const author = nameOf(message?.author)
  const files = contents.filter(({ content }) => content.media !== undefined)
  const lines = [`[${name}]`, words && `${author ? `@${author}: ` : ''}${words}`].filter(Boolean).join('\n')
  return [
    { suffix: '', content: { type: 'text', text: lines } },
    ...files.map(({ content: { title: _, ...content } }, i) => ({ suffix: `:file${i}`, content })),
  ]
}

/** A form: its name, then what the person entered in each field, then the files. */
function submitted(interaction: Interaction): Interacted {
  const { custom_id, components, resolved } = readModal(interaction.data)
  const entries = components.flatMap(({ component, components }) => [
    ...(component ? [component] : []),
    ...(components ?? []),
  ])
  const lines = entries.flatMap((entry) => {
    const said = entryText(entry, resolved)
    return said === '' ? [] : [[entry.custom_id, said].filter(Boolean).join(': ')]
  })
  const files = entries.flatMap(({ type, values }) =>
    type === FILE_UPLOAD ? (values ?? []).flatMap((id) => fileIn(resolved, id)) : [],
  )
  const content: InboundContent = { type: 'text', text: [`[${custom_id}]`, ...lines].join('\n') }
  // A form that a button opened has a message, which stays as it is.
  return said(interaction, [{ suffix: '', content }, ...files], !interaction.message)
}

function entryText({ type, value, values }: Entry, resolved: Resolved | null | undefined): string {
  if (value != null) return String(value)
  if (type === FILE_UPLOAD)
    return (values ?? []).map((id) => attachmentIn(resolved, id)?.filename ?? '[file]').join(', ')
  return (values ?? []).map((id) => nameIn(resolved, id) ?? id).join(', ')
}
