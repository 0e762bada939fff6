import { createHash } from 'node:crypto'
import { type Id, isId, isStorable, type JsonObject } from '@plugboard/core'
import type { PersonAccount } from '@plugboard/hub'
import type { JWTPayload } from 'jose'
import { z } from 'zod'
import { isSmall } from '../bounded-schemas.js'
import { fullNameOf } from './map-people.js'

/** Claims of tokens. */

const id = z.string().refine(isId)
const name = z.string().max(200).refine(isStorable).optional()

const guestClaims = z.object({
  sub: z.literal('guest'),
  _id: z.string(),
  fullName: z.string(),
  /** Beside what the peer's tokens hold: the scope, and the user that it is for. */
  id_project: id,
  id_lead: id,
})

/** Most attributes that a token repeats, in bytes: it stands in a header, and servers take 16 kB of these. */
const MAX_ATTRIBUTES_BYTES = 4_096

export const guestClaimsOf = (
  { attributes, ...user }: { attributes?: JsonObject; [name: string]: unknown },
  scope: { project: Id; userId: Id },
): object => ({
  ...user,
  ...(attributes && isSmall(attributes, MAX_ATTRIBUTES_BYTES) && { attributes }),
  id_project: scope.project,
  id_lead: scope.userId,
})

/** The guest that a token of ours is for. */
export function guestIn(
  claims: JWTPayload,
): { clientId: Id; id: string; userId: Id; name: string } | undefined {
  const { data } = guestClaims.safeParse(claims)
  return data && { clientId: data.id_project, id: data._id, userId: data.id_lead, name: data.fullName }
}

const personClaims = z.object({ sub: z.literal('user'), _id: id, v: z.string() })

/** Fingerprint of a password: changing the password invalidates older tokens. */
const versionOf = ({ passwordHash }: PersonAccount): string =>
  createHash('sha256').update(passwordHash).digest('base64url').slice(0, 12)

export const personClaimsOf = (user: object, person: PersonAccount): object => ({
  ...user,
  v: versionOf(person),
})

/** The person that a token of ours is for, if the person has the same password still. */
export function personIn(claims: JWTPayload): { id: Id; isOf(person: PersonAccount): boolean } | undefined {
  const { data } = personClaims.safeParse(claims)
  return data && { id: data._id, isOf: (person) => versionOf(person) === data.v }
}

const externalClaims = z.object({
  sub: z.literal('userexternal'),
  _id: z.string().min(1).max(200).refine(isStorable),
  firstname: name,
  lastname: name,
  email: name,
})

/** An end user whom the holder of a subscription's secret vouches for. */
export interface ExternalUser {
  id: string
  firstname?: string
  lastname?: string
  email?: string
  fullName: string
}

export function externalUserIn(claims: JWTPayload): ExternalUser | undefined {
  const { data } = externalClaims.safeParse(claims)
  if (!data) return undefined
  const { _id, firstname, lastname, email } = data
  const names = { ...(firstname && { firstname }), ...(lastname && { lastname }) }
  return { id: _id, ...names, ...(email && { email }), fullName: fullNameOf(firstname, lastname) || _id }
}
