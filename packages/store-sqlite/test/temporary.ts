import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Id, newId } from '@plugboard/core'
import type { Append, Appended, EntryType, NewEntry, Store, StreamRef, Target } from '@plugboard/hub'
import { onTestFinished } from 'vitest'
import { type SqliteStoreOptions, sqliteStore } from '../src/index.js'

/** A path in a folder that is removed when the test is over. */
export async function temporaryPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plugboard-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'data', 'plugboard.db')
}

/** A store that is closed when the test is over. */
export async function openStore(options: SqliteStoreOptions): Promise<Store> {
  const store = await sqliteStore(options)
  onTestFinished(() => store.close())
  return store
}

export const target = (): Target => `w${newId()}`

export function event(type: Exclude<EntryType, 'void'>, fields: Partial<NewEntry> = {}): NewEntry {
  return { id: newId(), type, payload: '{}', at: new Date(), owes: [], claim: false, ...fields }
}

/** A conversation, and the person whose it is. */
type Talk = StreamRef & { userId: Id }

/** A conversation of a new user. */
export async function talk(store: Store, clientId: Id = newId(), at = new Date()): Promise<Talk> {
  const userId = newId()
  await store.createUser({ id: userId, clientId, createdAt: at }, event('user.new', { at }))
  return talkOf(store, { clientId, userId }, at)
}

/** Another conversation of a user. */
export async function talkOf(
  store: Store,
  { clientId, userId }: Pick<Talk, 'clientId' | 'userId'>,
  at = new Date(),
): Promise<Talk> {
  const conversation = { id: newId(), clientId, userId, createdAt: at }
  await store.createConversation(conversation, event('conversation.new', { at }))
  return { clientId, streamId: conversation.id, userId }
}

/** The input of an append of a message. */
export function message(stream: StreamRef, fields: Partial<NewEntry> = {}): Append {
  const { owes = [], ...given } = fields
  const entry = { id: newId(), author: 'business', payload: '{}', at: new Date(), claim: false } as const
  return {
    ...stream,
    kind: 'conversation',
    entry: { type: 'message', ...entry, ...given },
    resolve: () => ({ owes }),
  }
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
