import { type Id, isId, toUuid } from '@plugboard/core'
import type { AuditEntry, OperatorSession } from '@plugboard/hub'
import type { FastifyRequest } from 'fastify'

/** What operators may do, from the least to the most: read; also deliver and write; also configure and administer. */
export const ROLES = ['viewer', 'operator', 'admin'] as const

export type AdminRole = (typeof ROLES)[number]

/** Who makes a request to the admin API. */
export type Actor =
  | { kind: 'operator'; id: Id; name: string; role: AdminRole }
  /** A program with the admin key. */
  | { kind: 'key'; id: 'admin-key'; name: string; role: 'admin' }
  /** Somebody with a link to one client. */
  | { kind: 'tenant'; id: Id; name: string; role: 'viewer' | 'operator'; clientId: Id }

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes a request to the admin API; null outside of it, and on routes that anyone may call. */
    actor: Actor | null
    /** The session of a caller who is signed in. */
    operatorSession: OperatorSession | null
  }
}

/** A program with the admin key. */
export const KEY_ACTOR = { kind: 'key', id: 'admin-key', name: 'admin key', role: 'admin' } as const

/** Whether a role includes another one. */
export const includesRole = (role: AdminRole, wanted: AdminRole): boolean =>
  ROLES.indexOf(role) >= ROLES.indexOf(wanted)

/** Who makes this request. */
export function actorOf({ actor }: FastifyRequest): Actor {
  if (!actor) throw new Error('the caller was not identified')
  return actor
}

/** Who did something: operators and links by their ids, and programs by a name. */
export type AuditedActor = { kind: Actor['kind']; id: string; name: string }

/** An actor as in the audit log, with the id that the API shows. */
export const auditedActor = ({ kind, id, name }: AuditedActor): AuditEntry['actor'] => ({
  ...{ kind, name },
  id: isId(id) ? toUuid(id) : id,
})
