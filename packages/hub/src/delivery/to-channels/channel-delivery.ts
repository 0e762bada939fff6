import {
  type DeliveryContext,
  type Endpoint,
  type Failure,
  type Id,
  type Logger,
  type Part,
  parseJsonObject,
  type Sent,
} from '@plugboard/core'
import { withTimeout } from '../../channels/call-timeout.js'
import { canChange } from '../../channels/can-change.js'
import type { Channels, Connected, Runtime } from '../../channels/channels.js'
import { classify } from '../../channels/classify-error.js'
import { errorShape } from '../../channels/loggable-error.js'
import { yieldIfBusy } from '../../event-loop.js'
import type { DeliveryFailure } from '../transport.js'
import type { ButtonTokens } from './button-tokens.js'
import { type EndpointAddress, endpointOf } from './endpoint-address.js'
import { type EndpointState, type EndpointStates, needsState } from './endpoint-states.js'
import { HostError } from './host-error.js'
import { hold, takeTurn } from './provider-pace.js'
import type { RateLimiter } from './rate-limiter.js'
import { type Kept, RenderedParts, renderParts } from './rendered-parts.js'
import { closedWindow } from './reply-window.js'
import { type RecordStore, SentRecord, Turns } from './sent-record.js'
import type { Control } from './serial-transport.js'
import { changeShown } from './shown-message.js'
import { showTyping, typingMsOf } from './typing-delay.js'

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
        const changed = await changeShown(connected, record, parts, call, signal)
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

/** Kinds of failures after which there is no other attempt. */
const FINAL: ReadonlySet<Failure['kind']> = new Set(['invalid', 'recipient', 'window'])

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
