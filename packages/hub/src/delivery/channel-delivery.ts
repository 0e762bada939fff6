import {
  type Capabilities,
  type Channel,
  capabilitiesAt,
  contentFaults,
  type DeliveryContext,
  degrade,
  type Endpoint,
  type Failure,
  type Id,
  type JsonObject,
  type Logger,
  type Pace,
  type Part,
  parseJsonObject,
  readContent,
  replaceButtons,
  type Sent,
} from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import { canChange } from '../channels/can-change.js'
import type { Channels, Connected, Runtime } from '../channels/channels.js'
import { classify } from '../channels/classify.js'
import { errorShape } from '../channels/error-shape.js'
import { pause, withTimeout } from '../channels/timeout.js'
import type { OpenIntegration } from '../clients/open-integration.js'
import { yieldIfBusy } from '../event-loop.js'
import type { ButtonTokens } from './button-tokens.js'
import { type EndpointState, type EndpointStates, hasWindow, needsState } from './endpoint-states.js'
import type { RateLimiter } from './rate-limiter.js'
import { rateLimitMs } from './retry.js'
import { type RecordStore, SentRecord, Turns } from './sent-record.js'
import type { Control } from './serial-transport.js'
import type { DeliveryFailure } from './transport.js'

/** Where a channel's parts go. */
export interface EndpointAddress {
  clientId: Id
  conversationId: Id
  integration: OpenIntegration
  endpoint: Endpoint & { id: Id }
  /** Where the provider calls for the integration. */
  webhookUrl: string
}

/** One entry for an endpoint. */
export interface EndpointItem {
  seq: number
  id: string
  messageId: Id
  /** JSON text. */
  payload: string
  /** What is sent instead of the payload: the second form of a part that the provider refused. */
  secondForm?: Part
  /** The entry is a change of the message, which may have been delivered before. */
  change?: 'edited' | 'removed'
  /** Parts that the provider has already. */
  part: number
  /** Attempts that failed. */
  attempt: number
}

export interface ChannelDeliveryOptions {
  channels: Channels
  tokens: ButtonTokens
  limiter: RateLimiter
  states: Pick<EndpointStates, 'read'>
  store: RecordStore
  /** The longest that one call may take. */
  timeoutMs: number
  log: Logger
  /** The provider said while it took a part that its endpoint has another address. */
  moved(address: EndpointAddress, to: Endpoint): Promise<void>
}

/**
 * Delivers one entry to an endpoint: degrades, renders, shows typing if the message asks for it, and sends part by part,
 * or in groups if the channel has them, within the provider's rate, reporting each delivered part. The rendered parts are
 * kept for the next attempt. A call starts only if the lease leaves enough time.
 *
 * If the channel needs the ids of what it sent, they are stored before a part is reported, and a message is sent with its
 * content of that moment. A change then makes the parts that are shown equal to those of the message now. `skipped`:
 * there was nothing to send.
 */
export function channelDelivery(options: ChannelDeliveryOptions) {
  const { channels, tokens, limiter, timeoutMs, log, moved } = options
  const rendered = new RenderedParts()
  const turns = new Turns()
  return async (
    address: EndpointAddress,
    item: EndpointItem,
    control: Control,
    progressed: (parts: number) => void,
  ): Promise<DeliveryFailure | 'withdrawn' | 'skipped' | undefined> => {
    const { signal, waiting } = control
    const { id: endpointId } = address.endpoint
    let done = item.part
    let runtime: Runtime | undefined
    let kept: Kept | undefined
    let endTurn: (() => void) | undefined
    try {
      const connecting = () => channels.connect(address.clientId, address.integration)
      const connected: Connected = await withTimeout(timeoutMs, signal, connecting)
      runtime = connected.runtime
      if (keepsIds(connected) && !item.secondForm) {
        // A replay and a change have lanes of their own.
        endTurn = await turns.take(`${item.messageId}-${endpointId}`)
        if (!control.mayStart()) return keep('withdrawn')
      }
      const record = endTurn && (await openRecord(options, address, item))
      if (!isSendable(item, record, endTurn !== undefined)) return 'skipped'
      const text = record?.message.payload ?? item.payload
      const payload = parseJsonObject(text)
      const source = { payload: text, endpoint: JSON.stringify(endpointOf(address)) }
      kept = rendered.recall(item.id, source)
      if (!kept) {
        const turn = yieldIfBusy()
        if (turn) await turn
        const made =
          item.change === 'removed'
            ? { parts: [], size: 0, isTemplate: false }
            : item.secondForm
              ? { parts: [item.secondForm], size: item.payload.length, isTemplate: false }
              : renderParts(connected, tokens, payload, address, item, log)
        if ('kind' in made) return made
        kept = { ...source, ...made }
      }
      const { parts } = kept
      const { capabilities } = connected.channel
      const needs = needsState(capabilities, address.endpoint)
      const state = needs ? await readState(options, address) : {}
      // The window may have closed since all of it was sent, and an edit is no message.
      const isSent = Math.max(done, record?.parts.length ?? 0) >= parts.length
      const isFree = kept.isTemplate || item.change !== undefined || isSent
      const closed = isFree ? undefined : closedWindow(capabilities, address.endpoint, state)
      if (closed !== undefined) return keep({ kind: 'window', message: closed, parts: done })
      const contextOf = (i: number, signal: AbortSignal, { context }: EndpointState = {}) => ({
        endpoint: endpointOf(address),
        integration: connected.integration,
        state: connected.state,
        webhookUrl: address.webhookUrl,
        deliveryId: parts.length === 1 && !item.change ? item.id : `${item.id}_${i}`,
        ...(capabilities.context && context && { context }),
        signal,
      })
      /** Makes a call once the provider takes one more. */
      const call = async <T>(
        i: number,
        work: (context: DeliveryContext<unknown, unknown>) => Promise<T>,
      ): Promise<T | 'withdrawn'> => {
        const turn = await takeTurn(limiter, connected.channel, address, waiting)
        if (!turn || !control.mayStart()) {
          turn?.giveBack()
          return 'withdrawn'
        }
        // The wait may have been long, and a newer event may have brought another context.
        const fresh = capabilities.context ? await readState(options, address) : state
        control.calls()
        return withTimeout(timeoutMs, signal, (signal) => work(contextOf(i, signal, fresh)))
      }
      if (record && item.change) {
        const changed = await change(connected, record, parts, call, signal)
        if (changed === 'withdrawn') return keep(changed)
        rendered.forget(item.id)
        return undefined
      }
      // Sent before, by an attempt whose end was not stored.
      done = Math.max(done, record?.parts.length ?? 0)
      const typingMs = item.attempt + done === 0 ? typingMsOf(payload) : undefined
      if (typingMs !== undefined) {
        const { indicateTyping: indicate } = connected.runtime
        const shown = showTyping(
          typingMs,
          waiting,
          indicate && (async (signal) => indicate.call(connected.runtime, contextOf(0, signal, state))),
          (err) => log.debug({ ...errorShape(err), clientId: address.clientId }, 'typing could not be shown'),
        )
        if (!(await shown)) return keep('withdrawn')
      }
      while (done < parts.length) {
        const group = groupAt(connected, parts, done)
        const sent = await call(done, (context) => send(connected, group, context))
        if (sent === 'withdrawn') return keep(sent)
        await record?.put(done, group.slice(0, sent.length), sent, signal, parts.length)
        done += sent.length
        const movedTo = movedToIn(sent)
        // What follows goes there at once, also if the address cannot be stored now: the provider will say it again.
        if (movedTo)
          await moved(address, movedTo).catch((err) => log.warn({ err }, 'cannot store an address'))
        if (movedTo) address.endpoint = { ...movedTo, id: address.endpoint.id }
        if (done < parts.length) progressed(done)
      }
      rendered.forget(item.id)
      return undefined
    } catch (error) {
      const failure = error instanceof HostError ? error.failure : classify(runtime, error)
      if (failure.kind === 'rate-limited')
        hold(limiter, address, channels.find(address.integration.channel), failure)
      return keep({ ...failure, parts: done })
    } finally {
      endTurn?.()
    }

    /** For the next attempt, where there will be one. */
    function keep<Outcome extends DeliveryFailure | 'withdrawn'>(outcome: Outcome): Outcome {
      const isOver = outcome !== 'withdrawn' && FINAL.has(outcome.kind)
      if (isOver) rendered.forget(item.id)
      else if (kept) rendered.keep(item.id, kept)
      return outcome
    }
  }
}

/** Whether later events or changes refer to what the channel sent. */
const keepsIds = ({ channel: { capabilities }, runtime, integration: { config } }: Connected): boolean =>
  capabilities.messageIds === true ||
  canChange(runtime, 'edit', config) ||
  canChange(runtime, 'remove', config)

async function openRecord(
  { store, log }: ChannelDeliveryOptions,
  { clientId, endpoint }: EndpointAddress,
  { messageId }: EndpointItem,
): Promise<SentRecord | undefined> {
  try {
    return await SentRecord.open(store, clientId, messageId, endpoint.id)
  } catch (err) {
    log.debug({ err, clientId, messageId }, 'cannot read a message')
    throw new HostError({ kind: 'transient', message: 'the database could not be read' })
  }
}

/** Whether there may be something to send. A change is about what is shown; a deleted message is not sent. */
function isSendable(
  { change }: Pick<EndpointItem, 'change'>,
  record: SentRecord | undefined,
  isRecorded: boolean,
): boolean {
  if (!change) return !isRecorded || (record !== undefined && !record.message.deletedAt)
  if (!record || record.parts.length === 0) return false
  return change === 'removed' || !record.message.deletedAt
}

/**
 * Makes what the endpoint shows equal to these parts: changes what differs, sends what is missing, removes what is too
 * much. Of a message that was not sent completely, only parts that are shown change.
 * @throws HostError for parts without an id, once all others are changed
 */
async function change(
  { runtime, integration: { config } }: Connected,
  record: SentRecord,
  parts: readonly Part[],
  call: <T>(
    i: number,
    work: (context: DeliveryContext<unknown, unknown>) => Promise<T>,
  ) => Promise<T | 'withdrawn'>,
  signal: AbortSignal,
): Promise<'withdrawn' | undefined> {
  const canEdit = canChange(runtime, 'edit', config)
  const canRemove = canChange(runtime, 'remove', config)
  let isUnnamed = false
  for (const [i, part] of parts.entries()) {
    const { ids } = record.parts[i] ?? {}
    if (!ids && !record.isWhole) break
    if (record.isCurrent(i, part)) continue
    if (ids && !canEdit) continue
    if (ids?.length === 0) {
      isUnnamed = true
      continue
    }
    const sent = await call(i, async (context) =>
      ids ? await runtime.edit?.({ providerMessageIds: ids }, part, context) : runtime.deliver(part, context),
    )
    if (sent === 'withdrawn') return sent
    const isSame = ids && !sent?.providerMessageIds?.length
    await record.put(i, [part], isSame ? [{ providerMessageIds: [...ids] }] : sent ? [sent] : [], signal)
  }
  for (let i = record.parts.length - 1; i >= parts.length && canRemove; i -= 1) {
    const { ids = [] } = record.parts[i] ?? {}
    if (ids.length === 0) {
      isUnnamed = true
      continue
    }
    const removed = await call(i, async (context) => runtime.remove?.({ providerMessageIds: ids }, context))
    if (removed === 'withdrawn') return removed
    // What is left stays in the record.
    if (!isUnnamed) await record.cut(i, signal)
  }
  if (isUnnamed) throw new HostError({ kind: 'invalid', message: UNNAMED })
  return undefined
}

const UNNAMED = 'the provider gave no id for a part of the message, so that it stays as it is'

/** Kinds of failures after which there is no other attempt. */
const FINAL: ReadonlySet<Failure['kind']> = new Set(['invalid', 'recipient', 'window'])

/** An error that the channel cannot classify, because it is none of its provider. */
class HostError extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}

async function readState(
  { states, log }: ChannelDeliveryOptions,
  { clientId, endpoint }: EndpointAddress,
): Promise<EndpointState> {
  try {
    return await states.read(clientId, endpoint.id)
  } catch (err) {
    log.debug({ err, clientId }, 'cannot read the state of an endpoint')
    throw new HostError({ kind: 'transient', message: 'the database could not be read' })
  }
}

const HOUR_MS = 60 * 60 * 1000

/** Why the endpoint gets templates only; undefined if its window is open, or nobody knows: then the provider decides. */
function closedWindow(
  capabilities: Capabilities,
  endpoint: Endpoint,
  { lastInboundAt }: EndpointState,
): string | undefined {
  const { window } = capabilities
  if (!window || !lastInboundAt || !hasWindow(capabilities, endpoint)) return undefined
  const { hours, allows } = window
  const closedAt = new Date(lastInboundAt.getTime() + hours * HOUR_MS)
  if (closedAt.getTime() > Date.now()) return undefined
  return `the reply window closed at ${closedAt.toISOString()}, ${hours} hours after the last message of the person; only ${allows} may be sent until the person writes again`
}

/** The parts that the next call sends. */
function groupAt({ channel, runtime }: Connected, parts: readonly Part[], start: number): readonly Part[] {
  const max = runtime.deliverBatch ? (channel.capabilities.batch?.max ?? 1) : 1
  return parts.slice(start, start + Math.max(max, 1))
}

/** Sends a group of parts. Returns the results of those that the provider accepted, the first ones. */
async function send(
  { channel, runtime }: Connected,
  group: readonly Part[],
  context: DeliveryContext<unknown, unknown>,
): Promise<readonly Sent[]> {
  const [part, ...others] = group
  if (!part) return []
  if (others.length === 0 || !runtime.deliverBatch) {
    return [await runtime.deliver(part, context)]
  }
  const sent: unknown = await runtime.deliverBatch(group, context)
  if (Array.isArray(sent) && sent.length > 0) return sent.slice(0, group.length)
  const message = `the channel ${channel.name} did not report which parts were sent`
  throw new HostError({ kind: 'ambiguous', message })
}

/** A channel may return anything. */
function movedToIn(sent: readonly unknown[]): Endpoint | undefined {
  for (const each of sent) {
    if (typeof each !== 'object' || each === null || !('movedTo' in each)) continue
    const { movedTo } = each
    if (typeof movedTo !== 'object' || movedTo === null) continue
    const { identity, sender, thread } = movedTo as Partial<Record<keyof Endpoint, unknown>>
    if (typeof identity === 'string' && typeof sender === 'string' && typeof thread === 'string')
      return { identity, sender, thread }
  }
  return undefined
}

const endpointOf = ({
  endpoint: { identity, sender, thread },
}: Pick<EndpointAddress, 'endpoint'>): Endpoint => ({
  identity,
  sender,
  thread,
})

const bucketOf = {
  endpoint: ({ endpoint }: EndpointAddress) => `e${endpoint.id}`,
  integration: ({ integration }: EndpointAddress) => `i${integration.id}`,
}

/** What the provider limits gets nothing for the time that it asked for, over all lanes, and no burst then. */
function hold(
  limiter: RateLimiter,
  address: EndpointAddress,
  channel: Channel | undefined,
  { scope, retryAfterMs }: Extract<Failure, { kind: 'rate-limited' }>,
): void {
  const { perEndpoint, perIntegration } =
    (channel && capabilitiesAt(channel.capabilities, endpointOf(address)))?.rate ?? {}
  const pace = scope === 'endpoint' ? perEndpoint : perIntegration
  const now = Date.now()
  if (pace) limiter.hold(bucketOf[scope](address), pace, now + rateLimitMs(retryAfterMs), now)
}

/**
 * Waits until the provider takes one more part: first from this endpoint, then from the integration. Undefined when the
 * wait was aborted. A turn that is not used is given back.
 */
async function takeTurn(
  limiter: RateLimiter,
  { capabilities }: Channel,
  address: EndpointAddress,
  waiting: AbortSignal,
): Promise<{ giveBack(): void } | undefined> {
  const taken: (readonly [key: string, pace: Pace])[] = []
  const giveBack = (): void => {
    for (const bucket of taken) limiter.giveBack(...bucket)
  }
  const { rate } = capabilitiesAt(capabilities, endpointOf(address))
  const buckets = [
    [bucketOf.endpoint(address), rate?.perEndpoint],
    [bucketOf.integration(address), rate?.perIntegration],
  ] as const
  for (const [key, pace] of buckets) {
    if (pace === undefined) continue
    const waitMs = limiter.take(key, pace, Date.now())
    taken.push([key, pace])
    if (waitMs === 0 || (await pause(waitMs, waiting))) continue
    giveBack()
    return undefined
  }
  return { giveBack }
}

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
  { channels, tokens, log }: Pick<ChannelDeliveryOptions, 'channels' | 'tokens' | 'log'>,
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
function renderParts(
  { channel: { capabilities: all, name }, runtime }: Connected,
  tokens: ButtonTokens,
  payload: JsonObject,
  address: Omit<EndpointAddress, 'webhookUrl'>,
  { messageId }: Pick<EndpointItem, 'messageId'>,
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
interface Kept {
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
class RenderedParts {
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

/** How long typing is shown when the message names no time. */
const TYPING_MS = 1000
/** The longest that typing is shown. */
const MAX_TYPING_MS = 10_000
/** Providers show it for about five seconds, so it is repeated. */
const TYPING_AGAIN_MS = 4000

/** How long typing is shown before this message; undefined when the message does not ask for it. */
function typingMsOf({ typing, delay }: JsonObject): number | undefined {
  if (typing !== true) return undefined
  return Math.min(typeof delay === 'number' && delay >= 0 ? delay : TYPING_MS, MAX_TYPING_MS)
}

/**
 * Shows typing for `ms` milliseconds; each `indicate` lasts some seconds. Failures are reported to `failed` and have no
 * other effect. A call that is still under way at the end is aborted, so that typing is not shown after the message.
 * False when `signal` ended the wait.
 */
async function showTyping(
  ms: number,
  signal: AbortSignal,
  indicate: ((signal: AbortSignal) => Promise<void>) | undefined,
  failed: (err: unknown) => void,
): Promise<boolean> {
  const controller = new AbortController()
  let left = ms
  try {
    do {
      indicate?.(controller.signal).catch((err) => controller.signal.aborted || failed(err))
      const slice = Math.min(left, TYPING_AGAIN_MS)
      if (!(await pause(slice, signal))) return false
      left -= slice
    } while (left > 0)
    return true
  } finally {
    controller.abort()
  }
}
