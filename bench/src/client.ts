import { rawRequest } from './connection.js'

/** A client of the Messaging API, to set the stage; what is measured goes through `load`. */
export interface Client {
  /** Its credentials. */
  readonly headers: Readonly<Record<string, string>>
}

export interface Conversation {
  conversationId: string
  userId: string
}

/** Makes a client with these webhooks. */
export async function createClient(
  url: string,
  webhooks: readonly (string | { mode: 'pull' })[] = [],
): Promise<Client> {
  const configuration = {
    webhooks: webhooks.map((hook) => (typeof hook === 'string' ? { url: hook } : hook)),
  }
  const { id, token } = await post<{ id: string; token: string }>(`${url}/api/v1/sync`, {}, configuration)
  return { headers: credentials(id, token) }
}

export const credentials = (id: string, token: string) => ({
  'x-bp-messaging-client-id': id,
  'x-bp-messaging-client-token': token,
})

/** Makes conversations, each of a new user. */
export async function converse(url: string, { headers }: Client, count: number): Promise<Conversation[]> {
  const conversations: Conversation[] = []
  for (let i = 0; i < count; i += 1) {
    const { id: userId } = await post<{ id: string }>(`${url}/api/v1/users`, headers, {})
    const { id } = await post<{ id: string }>(`${url}/api/v1/conversations`, headers, { userId })
    conversations.push({ conversationId: id, userId })
  }
  return conversations
}

export const PAYLOAD = { type: 'text', text: 'Good morning! Is my order from last week on its way?' }

/** The request that posts a message of a conversation's user. */
export const messageRequest = ({ headers }: Client, { conversationId, userId }: Conversation): Buffer =>
  rawRequest('POST', '/api/v1/messages', headers, { conversationId, authorId: userId, payload: PAYLOAD })

/** @throws Error when the answer is no success */
export async function post<T>(url: string, headers: Client['headers'], body: object): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as T
}

/** Answers the items in turn, without end. */
export function inTurn<T>(items: readonly T[]): () => T {
  let i = 0
  return () => {
    const item = items[i % items.length] as T
    i += 1
    return item
  }
}
