import {
  type Capabilities,
  capabilitiesAt,
  contentFaults,
  degrade,
  type Id,
  type JsonObject,
  type Logger,
  type Part,
  parseJsonObject,
  readContent,
  replaceButtons,
} from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import type { Channels, Connected } from '../../channels/channels.js'
import { classify } from '../../channels/classify-error.js'
import { errorShape } from '../../channels/loggable-error.js'
import type { DeliveryFailure } from '../transport.js'
import type { ButtonTokens } from './button-tokens.js'
import { type EndpointAddress, endpointOf } from './endpoint-address.js'

const MAX_LOGGED_FIELDS = 10

/** Most parts of one entry, and the longest that they may be together as JSON, in UTF-16 units. */
const MAX_PARTS = 1000
const MAX_PARTS_SIZE = 4 * 1024 * 1024

const unshown = (message: string): DeliveryFailure => ({ kind: 'invalid', message })

/**
 * The second form of a part of a message, if the channel has one.
 * @throws what the channel throws when it is loaded
 */
export async function secondFormOfPart(
  { channels, tokens, log }: { channels: Channels; tokens: ButtonTokens; log: Logger },
  address: Omit<EndpointAddress, 'webhookUrl'>,
  message: { id: Id; payload: string },
  index: number,
): Promise<Part | undefined> {
  const connected = await channels.connect(address.clientId, address.integration)
  const { runtime } = connected
  if (!runtime.secondForm) return undefined
  const item = { messageId: message.id }
  const made = renderParts(connected, tokens, parseJsonObject(message.payload), address, item, log)
  const part = 'kind' in made ? undefined : made.parts[index]
  try {
    const second: unknown = part && runtime.secondForm(part)
    return isPart(second) ? second : undefined
  } catch (error) {
    log.error({ ...errorShape(error), messageId: message.id }, 'second form could not be made')
    return undefined
  }
}

/** Never throws: a channel that cannot render a message now cannot do so later, since `render` is pure. */
export function renderParts(
  { channel: { capabilities: all, name }, runtime }: Connected,
  tokens: ButtonTokens,
  payload: JsonObject,
  address: Omit<EndpointAddress, 'webhookUrl'>,
  { messageId }: { messageId: Id },
  log: Logger,
): Pick<Kept, 'parts' | 'size' | 'isTemplate'> | DeliveryFailure {
  const { clientId } = address
  try {
    const endpoint = endpointOf(address)
    const capabilities = capabilitiesAt(all, endpoint)
    if (capabilities.content !== 'any') logSkipped(payload, { clientId, messageId, channel: name }, log)
    const sealed =
      capabilities.content === 'any'
        ? payload
        : replaceButtons(payload, (index) => tokens.seal({ clientId, messageId, index }))
    const { contents = [] } = degrade(sealed, capabilities) ?? {}
    const parts: Part[] = []
    for (const content of contents) {
      const made: unknown = runtime.render(content, endpoint)
      if (made instanceof Promise) made.catch(() => undefined)
      if (!Array.isArray(made) || !made.every(isPart))
        return unshown(`the channel ${name} did not render a list of parts`)
      parts.push(...made)
      if (parts.length > MAX_PARTS) return unshown(`the channel ${name} made more than ${MAX_PARTS} parts`)
    }
    if (parts.length === 0) return unshown(whyUnshown(payload, capabilities))
    const size = JSON.stringify(parts).length
    const isTemplate = contents.every(({ type }) => type === 'template')
    if (size <= MAX_PARTS_SIZE) return { parts, size, isTemplate }
    return unshown(`the channel ${name} made more than ${MAX_PARTS_SIZE} characters of this message`)
  } catch (error) {
    const shape = errorShape(error)
    log.error({ ...shape, clientId, messageId, channel: name }, 'message could not be rendered')
    const said = classify(runtime, error)
    return unshown(
      said.kind === 'invalid'
        ? said.message
        : `the channel ${name} could not render this message (${shape.error})`,
    )
  }
}

function whyUnshown(payload: JsonObject, { content }: Capabilities): string {
  const [fault] = content === 'any' ? [] : contentFaults(payload, content)
  const reason = fault ? `: "${fault.path.join('.')}" ${fault.message}` : ''
  return `the channel cannot show this content${reason}`
}

/** Buttons and cards that say nothing are left out, and the bot's author has to know which. */
function logSkipped(payload: JsonObject, about: object, log: Logger): void {
  const { skipped } = readContent(payload)
  const fields = skipped.slice(0, MAX_LOGGED_FIELDS).map(({ path }) => path.join('.'))
  if (fields.length > 0)
    log.warn({ ...about, fields }, 'buttons or cards of a message say nothing and were left out')
}

/** The arguments are JSON, or cannot be stored. */
const isPart = (value: unknown): value is Part =>
  typeof value === 'object' && value !== null && 'call' in value && typeof value.call === 'string'

/** Most that a process keeps, in UTF-16 units of JSON. */
const MAX_KEPT = 16 * 1024 * 1024

/** Parts of a delivery, and what they were rendered from. */
export interface Kept {
  /** JSON text: an edited message is rendered again. */
  payload: string
  /** The endpoint as a channel sees it, as JSON text. */
  endpoint: string
  parts: readonly Part[]
  /** Length of the parts as JSON. */
  size: number
  /** Whether all of it may be sent outside of the reply window. */
  isTemplate: boolean
}

/**
 * Rendered parts of deliveries that will be retried, so that a slow `render` runs once for an entry and not once for
 * each attempt. What was evicted is rendered again.
 */
export class RenderedParts {
  readonly #kept = new LRUCache<string, Kept>({
    maxSize: MAX_KEPT,
    sizeCalculation: ({ payload, size }) => payload.length + size,
  })

  /** The parts of this delivery, if they were rendered from the same payload and endpoint. */
  recall(deliveryId: string, { payload, endpoint }: Pick<Kept, 'payload' | 'endpoint'>): Kept | undefined {
    const kept = this.#kept.get(deliveryId)
    return kept?.payload === payload && kept.endpoint === endpoint ? kept : undefined
  }

  keep(deliveryId: string, kept: Kept): void {
    this.#kept.set(deliveryId, kept)
  }

  /** The delivery will not be retried. */
  forget(deliveryId: string): void {
    this.#kept.delete(deliveryId)
  }
}
