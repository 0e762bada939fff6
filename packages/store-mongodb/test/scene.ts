import { type Id, newId } from '@plugboard/core'
import type { Append, Appended, MapEndpoint, NewEntry, Store, StreamRef, Target } from '@plugboard/hub'

export const target = (): Target => `w${newId()}`

export function event(type: NewEntry['type'], fields: Partial<NewEntry> = {}): NewEntry {
  return { id: newId(), type, payload: '{}', at: new Date(), owes: [], claim: false, ...fields }
}

/** A conversation of a new user. */
export async function talk(store: Store, clientId: Id = newId()): Promise<StreamRef & { userId: Id }> {
  const user = { id: newId(), clientId, createdAt: new Date() }
  await store.createUser(user, event('user.new'))
  const conversation = { id: newId(), clientId, userId: user.id, createdAt: new Date() }
  await store.createConversation(conversation, event('conversation.new'))
  return { clientId, streamId: conversation.id, userId: user.id }
}

/** The input of an append of a message. */
function message({ clientId, streamId }: StreamRef, fields: Partial<NewEntry> = {}): Append {
  const { owes = [], ...given } = fields
  const entry = { id: newId(), author: 'business', payload: '{}', at: new Date(), claim: false } as const
  const stream = { clientId, streamId, kind: 'conversation' } as const
  return { ...stream, entry: { type: 'message', ...entry, ...given }, resolve: () => ({ owes }) }
}

export async function say(
  store: Store,
  stream: StreamRef,
  fields: Partial<NewEntry> = {},
): Promise<Appended> {
  const appended = await store.append(message(stream, fields))
  if (!appended) throw new Error('there is no such stream')
  return appended
}

/** Appends an entry that is owed, and takes the lease with it. */
export async function take(store: Store, stream: StreamRef, to: Target = target()) {
  const { entry, claimed } = await say(store, stream, { owes: [to], claim: true })
  if (!claimed) throw new Error('someone else has the lease')
  return { entry, claimed }
}

export const mapping = (clientId: Id, thread = '*'): MapEndpoint => ({
  clientId,
  channel: { name: 'telegram', custom: false },
  endpoint: { identity: 'bot', sender: 'someone', thread },
  at: new Date(),
  ids: { user: newId(), conversation: newId(), endpoint: newId() },
  events: { user: () => event('user.new'), conversation: () => event('conversation.new') },
})

/** Streams that are due at this time, taken. */
export async function due(store: Store, now = new Date()): Promise<Id[]> {
  const { claimed } = await store.claimDue({ now, limit: 100, except: [] })
  return claimed.map(({ streamId }) => streamId)
}
