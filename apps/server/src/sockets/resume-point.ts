import { type Id, isId } from '@plugboard/core'
import type { Keyring } from '@plugboard/hub'
import { z } from 'zod'

/** How far a socket has come: what its client knows of the conversations of its user. */
export interface ResumePoint {
  userId: Id
  /** The user was made for a socket: the point stands for its token. */
  isGuest: boolean
  /** When its user was authenticated. What was revoked or ended since is not good any more. */
  at: Date
  /** Of other conversations than these, it knows what is older. */
  since: Date
  /** Number of the last entry that it knows, by conversation: the conversations that it heard of last. */
  seqs: ReadonlyMap<Id, number>
  /** Messages that it posted and that may be above these numbers. */
  own: ReadonlySet<Id>
}

/** Conversations that are remembered. Others are continued by time. */
export const MAX_CONVERSATIONS = 16
/** Messages that are remembered. A socket posts one after the other, and each is soon below the number. */
const MAX_OWN = 16

/** How long after that a client may continue. A socket is open for three days at most, so a week of it remains. */
const RESUME_MS = 10 * 24 * 60 * 60 * 1000

/** Longest text that is looked at. */
const MAX_LENGTH = 4_096

const id = z.custom<Id>((value) => typeof value === 'string' && isId(value))
const sealedPoint = z.tuple([
  id,
  z.boolean(),
  z.number(),
  z.number(),
  z.array(z.tuple([id, z.number()])),
  z.array(id),
])

const contextOf = (clientId: Id): string => `socket ${clientId}`

/**
 * The point as the text that clients keep as the offset of their last event, and give back when they connect again
 * (connection state recovery of socket.io): so that any replica can continue, without anything stored. It is encrypted,
 * cannot be forged, and is worth no more than the user's token that its holder has.
 */
export function sealPoint(keyring: Keyring, clientId: Id, point: ResumePoint): string {
  const seqs = [...point.seqs]
  const own = [...point.own].slice(-MAX_OWN)
  const { userId, isGuest, at, since } = point
  const text = JSON.stringify([userId, isGuest, at.getTime(), since.getTime(), seqs, own])
  return keyring.seal(text, contextOf(clientId))
}

/** Undefined for what is no point of this client, and for one that is too old. */
export function openPoint(keyring: Keyring, clientId: Id, text: string, now: Date): ResumePoint | undefined {
  if (text.length > MAX_LENGTH) return undefined
  let opened: unknown
  try {
    opened = JSON.parse(keyring.open(text, contextOf(clientId)))
  } catch {
    return undefined
  }
  const { data } = sealedPoint.safeParse(opened)
  if (!data) return undefined
  const [userId, isGuest, ms, sinceMs, seqs, own] = data
  if (ms < now.getTime() - RESUME_MS) return undefined
  return {
    userId,
    isGuest,
    at: new Date(ms),
    since: new Date(sinceMs),
    seqs: new Map(seqs),
    own: new Set(own),
  }
}
