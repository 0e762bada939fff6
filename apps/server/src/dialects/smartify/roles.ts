import type { Id } from '@plugboard/core'
import type { ClientView, Hub, OpenWebhook, PersonAccount, WithId } from '@plugboard/hub'
import { notAMember } from './errors.js'

/** Roles of callers in a project. Each includes the previous ones. */
const ROLES = ['guest', 'user', 'agent', 'admin', 'owner'] as const
export type Role = (typeof ROLES)[number]

/** The authenticated caller. */
export type Caller =
  /** An end user: anonymous, or vouched for by who holds the secret of a subscription. */
  | { kind: 'guest' | 'user'; clientId: Id; id: string; userId: Id | undefined; name: string }
  /** A person of the business. */
  | { kind: 'person'; person: WithId<PersonAccount> }
  /** A receiver of an event that calls back with its token. */
  | { kind: 'subscription'; clientId: Id; webhook: OpenWebhook }
  /** A program with the client's own credentials. */
  | { kind: 'client'; client: ClientView }

/** For whom a caller acts: the business, or an end user for themselves. */
export type Party = 'business' | { userId: Id }

/** @throws FORBIDDEN for an unknown end user */
export function partyOf(caller: Caller): Party {
  if (caller.kind !== 'guest' && caller.kind !== 'user') return 'business'
  if (!caller.userId) throw notAMember()
  return { userId: caller.userId }
}

/** Whether a role is enough for what asks for another one. */
export const isEnough = (role: Role, asked: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(asked)

/** The role of a caller in a project; undefined for who does not belong to it. */
export async function roleIn(hub: Hub, project: ClientView, caller: Caller): Promise<Role | undefined> {
  switch (caller.kind) {
    case 'guest':
    case 'user': {
      const { userId, clientId, kind } = caller
      if (clientId !== project.id || !userId) return undefined
      if (kind === 'guest' && !project.record.acceptsGuests) return undefined
      const isThere = hub.users.isKnown(project, userId) || (await hub.lookups(project).user(userId))
      return isThere ? kind : undefined
    }
    case 'person':
      return caller.person.memberships.find(({ clientId }) => clientId === project.id)?.role
    case 'subscription':
      return caller.clientId === project.id ? 'agent' : undefined
    case 'client':
      return caller.client.id === project.id ? 'owner' : undefined
  }
}
