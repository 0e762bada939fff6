import {
  type DeliveryContext,
  FailureError,
  type JsonObject,
  type Logger,
  type Part,
  type Sent,
} from '@plugboard/core'
import { z } from 'zod'
import { type MessageForm, textForm } from './messages.js'

/** How a product takes messages. */
interface Product<Context> {
  /** Its name in messages: `Messenger`. */
  provider: string
  /** Posts to the messages of the page or the account. @throws GraphError, FailureError */
  post(body: object, context: Context): Promise<unknown>
  form: MessageForm
  /** Whether the product refused what is in a message. The person got nothing. */
  isContentRefused(error: unknown): boolean
  /** A refused message with its file uploaded; undefined if that is not possible. */
  uploadedForm?(message: JsonObject, context: Context): Promise<JsonObject | undefined>
  logger: Logger
}

/** What the calls need of the host. */
type Context = Pick<DeliveryContext<unknown, unknown>, 'endpoint' | 'deliveryId' | 'integration'>

/** What `render` makes. Further fields, such as the type of the message, stay as they are. */
type Args = { message: JsonObject; [field: string]: unknown }

const sentSchema = z.object({ message_id: z.string().min(1) })

/**
 * `deliver` of a channel. Sends one message. What the product refuses for what is in it is sent once more: with its file
 * uploaded where that is possible, otherwise as texts.
 */
export function deliverer<Own extends Context>(product: Product<Own>) {
  const { provider, form, isContentRefused, uploadedForm, logger } = product

  async function send(args: object, context: Own): Promise<string> {
    const { data } = sentSchema.safeParse(await product.post(to(context, args), context))
    if (data) return data.message_id
    const message = `${provider} answered without the id of the message`
    throw new FailureError({ kind: 'ambiguous', message })
  }

  /** Undefined if the product refuses what was uploaded, too. */
  async function sendUploaded({ message, ...args }: Args, context: Own): Promise<string | undefined> {
    const uploaded = await uploadedForm?.(message, context)
    if (!uploaded) return undefined
    try {
      return await send({ ...args, message: uploaded }, context)
    } catch (error) {
      if (isContentRefused(error)) return undefined
      throw error
    }
  }

  return async (part: Part, context: Own): Promise<Sent> => {
    // `render` made the args.
    const args = part.args as Args
    try {
      return { providerMessageIds: [await send(args, context)] }
    } catch (error) {
      const texts = isContentRefused(error) ? textForm(args.message, form) : []
      if (texts.length === 0) throw error
      const id = await sendUploaded(args, context)
      if (id !== undefined) return { providerMessageIds: [id] }
      const { deliveryId, integration } = context
      const about = { clientId: integration.clientId, deliveryId, provider }
      logger.warn(about, 'the provider refused a message; sending it as a text')
      const providerMessageIds: string[] = []
      for (const message of texts) providerMessageIds.push(await send({ ...args, message }, context))
      return { providerMessageIds }
    }
  }
}

/** `indicateTyping` and `markRead` of a channel. https://developers.facebook.com/docs/messenger-platform/send-messages/sender-actions */
export const sendsAction =
  <Own extends Context>({ post }: Pick<Product<Own>, 'post'>, sender_action: 'typing_on' | 'mark_seen') =>
  async (context: Own): Promise<void> => {
    await post(to(context, { sender_action }), context)
  }

const to = ({ endpoint }: Context, body: object): object => ({ recipient: { id: endpoint.sender }, ...body })
