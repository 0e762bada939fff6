import { type Answer, type Received, type Receiver, startReceiver } from '../support/receiver.js'
import type { OfficialClient } from '../support/sunshine.js'

/** One event as a webhook gets it. */
interface Event {
  id: string
  createdAt: string
  type: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into many shapes, and assert each
  payload: any
}

interface Body {
  app: { id: string }
  webhook: { id: string; version: string }
  events: Event[]
}

export const bodyOf = ({ json }: Received): Body => json as unknown as Body

/** A custom integration, and what its webhook gets. */
export interface Program {
  receiver: Receiver
  integrationId: string
  webhook: { id: string; secret: string }
  events(): Event[]
  /** The first event, once this many have arrived. */
  event(count?: number): Promise<Event>
}

export interface ProgramOptions {
  /** What else is said of the webhook. */
  more?: object
  /** How the webhook answers. */
  answer?: Answer
}

/** Creates a custom integration whose webhook has these triggers. */
export async function startProgram(
  api: OfficialClient,
  triggers: string[],
  { more, answer }: ProgramOptions = {},
): Promise<Program> {
  const receiver = await startReceiver(answer)
  const webhooks = [{ target: receiver.url, triggers, ...more }]
  const { id } = (await api.createIntegration({ type: 'custom', webhooks })).integration
  const [webhook] = (await api.listWebhooks(id)).webhooks
  const events = () => receiver.requests.flatMap((request) => bodyOf(request).events)
  return {
    ...{ receiver, webhook, events, integrationId: id },
    async event(count = 1) {
      await receiver.until(() => events().length >= count, 20_000)
      return events()[count - 1] as Event
    },
  }
}
