import type { DeliveryContext, Part, Sent, SentPart } from '@plugboard/core'
import type { Config, Session } from './config.js'

type Context = Pick<DeliveryContext<Config, Session>, 'deliveryId' | 'signal'>

/**
 * Sends nothing: a message is in the chat as soon as it is in the log. Its id is that of the delivery, so that the host
 * knows that a change of the message is shown too.
 */
export async function deliver(_: Part, { deliveryId, signal }: Context): Promise<Sent> {
  signal.throwIfAborted()
  return { providerMessageIds: [deliveryId] }
}

/** A change is in the log too. */
export async function edit(_sent: SentPart, _part: Part, { signal }: Context): Promise<Sent> {
  signal.throwIfAborted()
  return { providerMessageIds: [] }
}

export async function remove(_sent: SentPart, { signal }: Context): Promise<void> {
  signal.throwIfAborted()
}
