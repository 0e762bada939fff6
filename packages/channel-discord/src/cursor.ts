import type { Json } from '@plugboard/core'
import { z } from 'zod'
import { snowflake } from './endpoint.js'
import { MAX_SHARDS } from './limits.js'

/** A session of the gateway, and what was received of it. https://docs.discord.com/developers/events/gateway#resuming */
export interface GatewaySession {
  id: string
  /** Number of the last event whose effects are stored. */
  seq: number
  /** Where it is resumed. */
  url: string
}

/** What is known of all shards. */
export interface Position {
  /** The user id of the bot. */
  self: string
  /** Absent for a shard that has no session. */
  sessions: (GatewaySession | undefined)[]
}

const sessionSchema = z.tuple([
  z.string().regex(/^[\w-]{1,64}$/),
  z.int().min(0),
  z.string().regex(/^wss?:\/\/[\w.:-]{1,80}\/?$/),
])
const cursorSchema = z.object({
  self: snowflake,
  sessions: z.array(sessionSchema.nullable()).min(1).max(MAX_SHARDS),
})

/** Undefined for a cursor of another form. */
export function positionIn(cursor: Json | undefined): Position | undefined {
  const { data } = cursorSchema.safeParse(cursor)
  if (!data) return undefined
  const sessions = data.sessions.map((each) =>
    each ? { id: each[0], seq: each[1], url: each[2] } : undefined,
  )
  return { self: data.self, sessions }
}

/** Sessions of a form that the cursor does not take are left out: they cannot be resumed by another process. */
export const cursorOf = ({ self, sessions }: Position): Json => ({
  self,
  sessions: sessions.map((session) => {
    const { data } = sessionSchema.safeParse(session && [session.id, session.seq, session.url])
    return data ?? null
  }),
})
