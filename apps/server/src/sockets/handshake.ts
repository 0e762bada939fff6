import { fromUuid, type Id, isPlugboardError, isStorable, jsonFault, toUuid } from '@plugboard/core'
import type { ClientView, Hub, Keyring } from '@plugboard/hub'
import { z } from 'zod'
import type { GuestLimits } from '../dialects/guest-limits.js'
import { clientNameOf, parseToken, tokenText } from '../dialects/messaging-v1/map.js'
import type { SocketLimits } from './limits.js'
import { openPoint, type ResumePoint } from './resume-point.js'

/** Who opened a socket. */
export interface Person {
  client: ClientView
  userId: Id
  /** It was made for this socket or for one that this continues: the page need not know it. */
  isGuest: boolean
  /** The data of the event `login`. */
  login: { userId: string; userToken?: string }
  /** When it was looked up. */
  at: Date
  /** Where it continues. */
  from?: ResumePoint
  /** When its token expires. */
  expiresAt?: Date
}

/** What came with the connection, from anybody. */
export interface Asked {
  /** The `auth` of socket.io. */
  auth: unknown
  /** The query `userData`. */
  userData: unknown
  network: string
  /** Takes room for a socket of a client. Whether there is any. */
  takeRoom(clientId: Id): boolean
}

/** Why a socket is refused, in words that the client of the Messaging API shows. */
export class Refusal extends Error {}

export const FAILED = 'an error occurred authenticating socket'

/** Longest token or offset that is looked at. */
const MAX_TEXT = 4_096

const text = z.string().max(MAX_TEXT)
const authSchema = z.object({
  clientId: z.guid(),
  creds: z.object({ userId: z.guid(), userToken: text }).nullish(),
  /** Of a client that connects again. */
  offset: z.unknown().optional(),
})
type Auth = z.infer<typeof authSchema>

/** Longest data of a user, in characters of JSON. */
const MAX_USER_DATA = 4_096
const MAX_MEMBERS = 100

const storable = z.string().refine(isStorable)
const userDataSchema = z.record(storable, storable)

export interface HandshakeOptions {
  hub: Hub
  keyring: Keyring
  limits: SocketLimits
  guests: GuestLimits
  /** Whether a socket without a token gets a user. */
  takesGuests: boolean
}

/**
 * Finds the user of a socket, or makes one: by a token of the user; by the point that a client continues at, if its user
 * was made for it; or else a new one, silently. @throws Refusal, PlugboardError
 */
export async function identify(options: HandshakeOptions, asked: Asked): Promise<Person> {
  const { hub, limits } = options
  const at = new Date()
  const { data: auth } = authSchema.safeParse(asked.auth)
  if (!auth) throw new Refusal(FAILED)
  const client = await hub.clients.find(clientNameOf(auth.clientId))
  if (!client) throw new Refusal('Client not found')
  if (client.record.disabled) throw new Refusal('Client is disabled')
  if (!limits.reaches(client.id) || !asked.takeRoom(client.id)) throw tooMany()
  const userData = userDataIn(asked.userData)
  const known = (await knownBy(options, client, auth)) ?? (await guestAgain(options, client, auth))
  if (!known) return { ...(await newGuest(options, client, { userData, network: asked.network })), at }
  if (userData) await replaceData(options, known, userData)
  return { ...known, at }
}

type Found = Omit<Person, 'at'>

/** The user of a token. */
async function knownBy(
  { hub, keyring }: HandshakeOptions,
  client: ClientView,
  { creds, offset }: Auth,
): Promise<Found | undefined> {
  const { id, secret } = (creds && parseToken(creds.userToken)) ?? {}
  if (!id || !secret) return undefined
  const token = { id, secret }
  const userId = fromUuid(creds?.userId ?? '')
  if (!userId || !hub.users.isToken(client, userId, token)) return undefined
  const found = await hub.users.authenticate(token)
  if (!found) return undefined
  // The page knows the id of a user that was merged into this one.
  const isRenamed = found.userId !== userId
  const { expiresAt } = found
  const login = isRenamed ? await loginOf(hub, client, found.userId, expiresAt) : { userId: toUuid(userId) }
  const point = pointIn(keyring, client, offset)
  return {
    ...{ client, userId: found.userId, isGuest: false, login },
    ...(point && (point.userId === userId || point.userId === found.userId) && { from: point }),
    ...(expiresAt && { expiresAt }),
  }
}

/** The user that was made for a socket before, whose client connects again without a token. */
async function guestAgain(
  { hub, keyring }: HandshakeOptions,
  client: ClientView,
  { offset }: Auth,
): Promise<Found | undefined> {
  const point = pointIn(keyring, client, offset)
  if (!point?.isGuest) return undefined
  const user = await hub.users.view(client, point.userId).catch(orNone)
  const validFrom = user?.facts.tokensValidFrom
  if (!user || (validFrom !== undefined && point.at.getTime() <= Date.parse(validFrom))) return undefined
  return { client, userId: user.id, isGuest: true, login: await loginOf(hub, client, user.id), from: point }
}

async function newGuest(
  { hub, limits, takesGuests }: HandshakeOptions,
  client: ClientView,
  { userData, network }: { userData: Record<string, string> | undefined; network: string },
): Promise<Found> {
  if (!takesGuests) throw new Refusal('a user token is required')
  if (!limits.makesUser(network)) throw tooMany()
  const { id } = await hub.users.create(client, userData ? { data: userData } : {})
  return { client, userId: id, isGuest: true, login: await loginOf(hub, client, id) }
}

async function loginOf(hub: Hub, client: ClientView, userId: Id, expiresAt?: Date): Promise<Person['login']> {
  const token = await hub.users.createToken(client, userId, expiresAt ? { expiresAt } : {})
  return { userId: toUuid(userId), userToken: tokenText(token) }
}

/**
 * What a page says of its person replaces what was said before. It counts as a message, and is left out if that is too
 * much.
 */
async function replaceData(
  { hub, guests }: HandshakeOptions,
  { client, userId }: Found,
  data: Record<string, string>,
): Promise<void> {
  try {
    guests.admit(userId, Buffer.byteLength(JSON.stringify(data)))
  } catch {
    return
  }
  await hub.users.setData(client, userId, data)
}

function pointIn(keyring: Keyring, client: ClientView, offset: unknown): ResumePoint | undefined {
  return typeof offset === 'string' ? openPoint(keyring, client.id, offset, new Date()) : undefined
}

/** The data of a user in a query; undefined for anything else, which is left out. */
function userDataIn(text: unknown): Record<string, string> | undefined {
  if (typeof text !== 'string' || text.length > MAX_USER_DATA) return undefined
  if (jsonFault(Buffer.from(text), { maxValues: MAX_MEMBERS }) !== undefined) return undefined
  try {
    return userDataSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

function orNone(error: unknown): undefined {
  if (!isPlugboardError(error) || error.code !== 'NOT_FOUND') throw error
}

const tooMany = (): Refusal => new Refusal('too many connections; try again later')
