import { type Author, isId, type MessageDetails } from '@plugboard/core'
import type { ClientView, Hub, UserView } from '@plugboard/hub'
import { notAMember, roleTooLow } from './errors.js'
import { orNone } from './lookups.js'
import { nameOf, nameOfPerson } from './map-people.js'
import { EXTERNAL_NAMESPACE } from './names.js'
import { type Caller, isEnough, type Role } from './roles.js'

/** Whose words a message has. */
export interface Speaker {
  /** As the API names them: the `sender`. */
  id: string
  name: string
  email?: string
  author: Author
  /** How the author shows in other dialects. */
  shownAs: NonNullable<MessageDetails['author']>
  /** The caller, if different. */
  spokenBy?: string
}

/** How the API names who calls. */
export function callerId(caller: Caller): string {
  switch (caller.kind) {
    case 'guest':
    case 'user':
      return caller.id
    case 'person':
      return caller.person.id
    case 'subscription':
      return caller.webhook.id
    case 'client':
      return caller.client.id
  }
}

/**
 * The author of a message: the caller or, if the business calls, the named person. End users can only act as themselves.
 * @throws FORBIDDEN
 */
export async function speakerOf(
  hub: Hub,
  { project, caller, role }: { project: ClientView; caller: Caller; role: Role },
  named: string | undefined,
): Promise<Speaker> {
  const own = callerId(caller)
  if (named === undefined || named === own) return speakerFor(caller)
  if (!isEnough(role, 'agent')) throw roleTooLow()
  const other = (await colleague(hub, project, named)) ?? (await endUser(hub, project, named))
  if (!other) throw notAMember()
  if (other.author === 'business' && !isEnough(role, 'admin')) throw roleTooLow()
  return { ...other, spokenBy: own }
}

function speakerFor(caller: Caller): Speaker {
  const id = callerId(caller)
  switch (caller.kind) {
    case 'guest':
    case 'user': {
      const { userId, name } = caller
      if (!userId) throw notAMember()
      return { id, name, author: { userId }, shownAs: {} }
    }
    case 'person': {
      const { person } = caller
      const shownAs = { accountId: person.id, kind: 'agent' as const }
      return { id, name: nameOfPerson(person), email: person.email, author: 'business', shownAs }
    }
    case 'subscription':
    case 'client':
      return { id, name: 'Bot', author: 'business', shownAs: { kind: 'bot' } }
  }
}

async function endUser(hub: Hub, project: ClientView, id: string): Promise<Speaker | undefined> {
  const { users } = hub
  const externalId = { namespace: EXTERNAL_NAMESPACE, value: id }
  const user: UserView | undefined =
    (await orNone(users.getExternal(project, externalId))) ??
    (isId(id) ? await orNone(users.view(project, id)) : undefined)
  return user && { id, name: nameOf(user), author: { userId: user.id }, shownAs: {} }
}

async function colleague(hub: Hub, project: ClientView, id: string): Promise<Speaker | undefined> {
  const person = isId(id) ? await hub.accounts.findPerson({ id }) : undefined
  const isMember = person?.memberships.some(({ clientId }) => clientId === project.id)
  return person && isMember ? speakerFor({ kind: 'person', person }) : undefined
}
