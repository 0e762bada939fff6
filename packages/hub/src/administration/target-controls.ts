import { type Id, newId, PlugboardError } from '@plugboard/core'
import type { ClientView, Directory, OpenWebhook } from '../clients/directory.js'
import { type Keyring, newSecret } from '../clients/keyring.js'
import { webhookAddress } from '../delivery/to-webhooks/webhook-address.js'
import type { WebhookFormat } from '../delivery/to-webhooks/webhook-format.js'
import type { AttemptReport, WebhookSender } from '../delivery/transport.js'
import type { ClientRecord } from '../ports/client-record.js'

export interface TargetControlsOptions {
  directory: Directory
  keyring: Keyring
  formats: ReadonlyMap<string, WebhookFormat>
  sender: Pick<WebhookSender, 'request'>
  now(): Date
}

/** The secret of a webhook after a rotation, and until when the one before signs too. */
export interface RotatedSecret {
  secret: string
  formerUntil: Date
}

/** What an operator does to a target: to hold its deliveries, to try it, to give it another secret. */
export class TargetControls {
  readonly #options: TargetControlsOptions

  constructor(options: TargetControlsOptions) {
    this.#options = options
  }

  /**
   * Holds the deliveries to a webhook, or lets them continue. What was accepted meanwhile is delivered then, in order.
   * @throws NOT_FOUND
   */
  pauseWebhook(clientId: Id, id: Id, isPaused: boolean): Promise<ClientView> {
    return this.#pause(clientId, 'webhooks', id, isPaused)
  }

  /** The same for an integration. It still gets the events of its provider. @throws NOT_FOUND */
  pauseIntegration(clientId: Id, id: Id, isPaused: boolean): Promise<ClientView> {
    return this.#pause(clientId, 'integrations', id, isPaused)
  }

  #pause(clientId: Id, list: 'webhooks' | 'integrations', id: Id, isPaused: boolean): Promise<ClientView> {
    const at = this.#options.now()
    return this.#options.directory.change(clientId, (record) => {
      const target = record[list].find((each) => each.id === id)
      if (!target)
        throw new PlugboardError('NOT_FOUND', list === 'webhooks' ? NO_WEBHOOK : 'integration not found')
      if ((target.pausedAt !== undefined) === isPaused) return record
      return {
        ...record,
        [list]: record[list].map((each) => (each === target ? paused(each, isPaused, at) : each)),
      }
    })
  }

  /**
   * Gives a webhook a new secret. The one before signs too, for `overlapMs`, so that the receiver can change to the new
   * one. A second rotation in this time ends the overlap of the first. @throws NOT_FOUND, CONFLICT for a pull webhook
   */
  async rotateSecret(clientId: Id, id: Id, overlapMs: number): Promise<RotatedSecret> {
    const { directory, keyring, now } = this.#options
    const secret = newSecret()
    const formerUntil = new Date(now().getTime() + overlapMs)
    await directory.change(clientId, (record): ClientRecord => {
      const hook = record.webhooks.find((each) => each.id === id)
      if (!hook) throw new PlugboardError('NOT_FOUND', NO_WEBHOOK)
      assertCalled(hook)
      const rotated = {
        ...hook,
        token: keyring.seal(secret, record.id),
        former: { token: hook.token, until: formerUntil },
      }
      return { ...record, webhooks: record.webhooks.map((each) => (each === hook ? rotated : each)) }
    })
    return { secret, formerUntil }
  }

  /**
   * Sends a test event to a webhook, at once and beside its deliveries, also while it is paused. @throws NOT_FOUND,
   * CONFLICT if it is a pull webhook, or of an API that has no test event
   */
  async test(client: ClientView, id: Id): Promise<AttemptReport> {
    const { formats, sender, now } = this.#options
    const webhook = client.webhooks.find((each) => each.id === id)
    if (!webhook) throw new PlugboardError('NOT_FOUND', NO_WEBHOOK)
    assertCalled(webhook)
    const format = formats.get(webhook.format)
    const body = format?.testEvent?.(client, webhook, now())
    if (!format || body === undefined)
      throw new PlugboardError('CONFLICT', 'webhooks of this API have no test event')
    const item = { seq: 0, id: `${newId()}-${webhook.id}`, body }
    return sender.request(webhookAddress(client, webhook, format), item)
  }
}

const NO_WEBHOOK = 'webhook not found'

/** @throws CONFLICT for a webhook that is read */
function assertCalled({ mode }: Pick<OpenWebhook, 'mode'>): void {
  if (mode) throw new PlugboardError('CONFLICT', 'events of this webhook are read: there is no URL to call')
}

function paused<T extends { pausedAt?: Date }>(target: T, isPaused: boolean, at: Date): T {
  const { pausedAt: _, ...rest } = target
  return (isPaused ? { ...rest, pausedAt: at } : rest) as T
}
