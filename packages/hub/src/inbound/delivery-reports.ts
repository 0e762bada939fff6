import type { InboundEvent, Part } from '@plugboard/core'
import { codeOf } from '../channels/classify-error.js'
import type { ClientView } from '../clients/directory.js'
import { labelOf, type OpenIntegration } from '../clients/open-integration.js'
import type { Conversations } from '../conversations/conversations.js'
import type { Endpoints } from '../conversations/endpoints.js'
import type { OutcomeReports } from '../delivery/outcome-reports.js'
import type { TargetMonitor } from '../delivery/targets/target-monitor.js'
import type { EndpointAddress } from '../delivery/to-channels/endpoint-address.js'
import { changeOf, idsIn, type SecondForm, secondFormOf } from '../log/activity.js'
import { type ChannelRef, isSameChannel } from '../log/endpoint-record.js'
import type { Dead, Entry } from '../log/entry.js'
import { endpointTarget } from '../log/target.js'
import type { Place, Store } from '../ports/store.js'
import { awaitSent, type Patience } from './find-sent.js'

export interface DeliveryReportsOptions {
  store: Store
  endpoints: Pick<Endpoints, 'find'>
  conversations: Pick<Conversations, 'sendSecondForm'>
  reports: Pick<OutcomeReports, 'died'>
  monitor: Pick<TargetMonitor, 'failed'>
  /** The second form of a part of a message, if the channel has one. */
  secondFormOfPart(address: SecondFormAddress, message: Entry, part: number): Promise<Part | undefined>
  now(): Date
}

type SecondFormAddress = Omit<EndpointAddress, 'webhookUrl'>

/** An event that reports on a delivery. */
type Report = InboundEvent & { type: 'delivery' }

/** Where a report belongs. */
interface ReportOrigin extends Place {
  client: ClientView
  integration: OpenIntegration
  dedupe: string
  /** Absent if no message is known of it. */
  delivered?: Delivered
}

/** A delivered part of a message of the business. */
interface Delivered {
  message: Entry
  /** Index of the part. */
  part: number
  /** It was sent because the provider refused the first form. */
  isSecondForm: boolean
}

/** Where a delivered part is shown. */
export type DeliveredPlace = Place & { delivered: Delivered }

/** What providers report of messages after they accepted them: sent, delivered, read, failed. */
export class DeliveryReports {
  readonly #options: DeliveryReportsOptions

  constructor(options: DeliveryReportsOptions) {
    this.#options = options
  }

  /** The message of this delivery and its place, if it was sent through this integration. */
  async find(
    client: ClientView,
    channel: ChannelRef,
    { endpoint, deliveryId, refersTo, aliases }: Report,
    patience: Patience,
  ): Promise<DeliveredPlace | undefined> {
    if (deliveryId !== undefined) return this.#findBy(client, channel, deliveryId)
    const place = await this.#options.endpoints.find(client, channel, endpoint, aliases && { aliases })
    if (!place || refersTo === undefined) return undefined
    const { store, now } = this.#options
    const message = await awaitSent(store, { clientId: client.id, ...place }, refersTo, { now, patience })
    const parts = message?.sent?.[endpointTarget(place.endpointId)]?.parts ?? []
    const part = parts.findIndex(({ ids }) => ids.includes(refersTo))
    return message && { ...place, delivered: { message, part, isSecondForm: false } }
  }

  /** By its id. The provider may name another endpoint: a number that it chose itself. */
  async #findBy(
    client: ClientView,
    channel: ChannelRef,
    deliveryId: string,
  ): Promise<DeliveredPlace | undefined> {
    const { store } = this.#options
    const ids = idsIn(deliveryId)
    const sent = ids && (await store.findEntry(client.id, ids.entryId))
    const second = sent && secondFormOf(sent)
    const about = second ?? (sent && changeOf(sent))
    const entry = about ? await store.findEntry(client.id, about.messageId) : sent
    if (entry?.type !== 'message') return undefined
    const conversation = await store.findConversation(client.id, entry.streamId)
    const isOurs = conversation?.endpoints.some(
      (endpoint) => endpoint.id === ids?.endpointId && isSameChannel(endpoint.channel, channel),
    )
    if (!ids || !isOurs || !conversation?.userId) return undefined
    const { userId } = conversation
    const delivered = { message: entry, part: ids.part, isSecondForm: second !== undefined }
    return { conversationId: entry.streamId, userId, endpointId: ids.endpointId, delivered }
  }

  /**
   * Whether the status of a delivery is to be noted. A failure is handled once: a message that the provider refused after
   * it had accepted it is sent in its second form, or becomes a dead letter.
   */
  async isNews(origin: ReportOrigin, event: Report): Promise<boolean> {
    if (event.status !== 'failed') return true
    const { store, monitor } = this.#options
    const { client, integration, conversationId, dedupe } = origin
    // It may have been replayed since.
    if (await store.findByDedupe(client.id, conversationId, dedupe)) return false
    if (event.failure) monitor.failed({ clientId: client.id, targetId: integration.id }, event.failure)
    if (event.isContentRefused && (await this.#sendsSecondForm(origin))) return false
    await this.#undelivered(origin, event)
    return true
  }

  /** Appends the second form of a part to the lane of its endpoint, once per report. False if there is none. */
  async #sendsSecondForm({ client, integration, delivered, ...origin }: ReportOrigin): Promise<boolean> {
    const { store, conversations, secondFormOfPart } = this.#options
    const { conversationId, endpointId, dedupe } = origin
    if (!delivered || delivered.isSecondForm || delivered.message.deletedAt) return false
    const { message } = delivered
    const conversation = await store.findConversation(client.id, conversationId)
    const endpoint = conversation?.endpoints.find(({ id }) => id === endpointId)
    const address = endpoint && { clientId: client.id, conversationId, integration, endpoint }
    const part = address && (await secondFormOfPart(address, message, delivered.part))
    if (!part) return false
    const second: SecondForm = { type: 'second-form', messageId: message.id, seq: message.seq, part }
    return conversations.sendSecondForm(client, conversationId, second, endpointId, dedupe)
  }

  /** What the provider reports as failed after it accepted it becomes a dead letter. */
  async #undelivered(
    { integration, endpointId, delivered }: ReportOrigin,
    { failure }: Report,
  ): Promise<void> {
    const { store, reports, now } = this.#options
    if (!delivered) return
    const { message } = delivered
    const target = endpointTarget(endpointId)
    const dead: Dead = {
      ...{ reason: 'undelivered', attempts: 1, at: now(), label: `${labelOf(integration)} ${endpointId}` },
      ...{ channel: integration.channel, integrationId: integration.id },
      error: failure?.message ?? 'the provider could not deliver it',
      ...codeOf(failure),
    }
    // Nothing is shown: a replay sends all of it.
    if (message.sent?.[target]) await store.recordSent(message, message.seq, target, { parts: [] })
    await store.bury(message, message.seq, target, dead)
    reports.died(target, message, dead)
  }
}
