import type { JsonObject } from '@plugboard/core'
import type { ClientView, PersonAccount, UserView, WithId } from '@plugboard/hub'
import { EXTERNAL_NAMESPACE } from './names.js'

/** End users and the people of the business, as this API shows them. Pure. */

export const fullNameOf = (first?: string, last?: string): string => `${first ?? ''} ${last ?? ''}`.trim()

/** How the API names an end user: by the id that it gave or was given, or else by ours. */
export function wireIdOf({ id, facts }: UserView): string {
  const { externalId } = facts
  return externalId?.namespace === EXTERNAL_NAMESPACE ? externalId.value : id
}

export function nameOf(user: UserView): string {
  const { givenName, surname } = user.facts
  return fullNameOf(givenName, surname) || `guest#${wireIdOf(user).slice(0, 4)}`
}

export const nameOfPerson = ({ firstName, lastName, email }: PersonAccount): string =>
  fullNameOf(firstName, lastName) || (email.split('@')[0] ?? email)

/** Data of this dialect for a user. */
const ownFactsOf = ({ facts }: UserView): JsonObject => facts.dialect?.smartify ?? {}

/** The reader of a response: end users see only their own address. */
export type Reader = 'business' | { guest: string }

const seesAll = (reader: Reader, id: string): boolean => reader === 'business' || reader.guest === id

/** The contact card of an end user. */
export function leadJson(project: ClientView, user: UserView, reader: Reader): JsonObject {
  const id = wireIdOf(user)
  const { email } = user.facts
  const { attributes } = ownFactsOf(user)
  const createdAt = user.createdAt.toISOString()
  return {
    tags: [],
    status: 100,
    _id: user.id,
    lead_id: id,
    fullname: nameOf(user),
    ...(seesAll(reader, id) && email !== undefined && { email }),
    phone: null,
    ...(seesAll(reader, id) && attributes !== undefined && { attributes }),
    id_project: project.id,
    createdBy: 'system',
    createdAt,
    updatedAt: createdAt,
    __v: 0,
  }
}

/** The membership of an end user. */
export function requesterJson(project: ClientView, user: UserView): JsonObject {
  const id = wireIdOf(user)
  const role = ownFactsOf(user).role === 'user' ? 'user' : 'guest'
  const createdAt = user.createdAt.toISOString()
  return {
    user_available: true,
    number_assigned_requests: 0,
    last_login_at: createdAt,
    permissions: [],
    status: 'active',
    trashed: false,
    _id: user.id,
    id_project: project.id,
    uuid_user: id,
    role,
    roleType: 2,
    createdBy: id,
    tags: [],
    createdAt,
    updatedAt: createdAt,
    __v: 0,
    isAuthenticated: role === 'user',
    id: user.id,
  }
}

/** A person of the business, as sign-in answers them. */
export function accountJson(person: WithId<PersonAccount>): JsonObject {
  const { id, email, firstName, lastName } = person
  return {
    _id: id,
    email,
    firstname: firstName ?? nameOfPerson(person),
    lastname: lastName ?? '',
    emailverified: false,
  }
}

/** An agent in a request. */
export function agentJson(person: WithId<PersonAccount>, reader: Reader): JsonObject {
  const { email, emailverified = false, ...rest } = accountJson(person)
  return {
    status: 100,
    ...rest,
    ...(reader === 'business' && email !== undefined && { email }),
    emailverified,
    createdAt: person.createdAt,
    updatedAt: person.createdAt,
    __v: 0,
  }
}
