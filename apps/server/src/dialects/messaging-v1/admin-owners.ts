import { type Id, invalid, isPlugboardError, PlugboardError } from '@plugboard/core'
import type { ClientView, Hub, PersonAccount, WithId } from '@plugboard/hub'
import { z } from 'zod'
import { hashPassword, MAX_PASSWORD, MIN_PASSWORD } from '../../http/password.js'
import { namedClient } from './map.js'

/** An owner requested by the operator. */
export const wantedOwner = z.strictObject({
  /** The id of a project, in the format of any API, or `new`. */
  project: z.string().min(1),
  email: z.email().max(320),
  password: z.string().min(MIN_PASSWORD).max(MAX_PASSWORD),
  firstName: z.string().min(1).max(100).optional(),
  lastName: z.string().min(1).max(100).optional(),
})
export type WantedOwner = z.infer<typeof wantedOwner>

export const madeOwner = z.object({ projectId: z.string(), userId: z.string() })

/**
 * Creates an owner of an existing or a new project. An existing account with this e-mail address gets this password, so
 * that an operator can reset a forgotten one.
 * @throws NOT_FOUND for the project
 */
export async function createOwner(hub: Hub, wanted: WantedOwner): Promise<z.infer<typeof madeOwner>> {
  const known = wanted.project === 'new' ? undefined : await existing(hub, wanted.project)
  const { id: userId } = await accountOf(hub, wanted)
  const made = { facts: { createdBy: userId }, acceptsGuests: true }
  const project = known ?? (await hub.clients.create(made)).client
  await hub.accounts.changePerson(userId, (person) => withOwnership(person, project.id))
  return { projectId: project.id, userId }
}

/** Parses the operator's options. @throws INVALID that names the option */
export function parseWantedOwner(typed: Partial<WantedOwner>): WantedOwner {
  const result = wantedOwner.safeParse(typed)
  if (result.success) return result.data
  const expected: Record<string, string> = {
    project: 'must be `new` or the id of a project',
    email: 'must be an e-mail address',
    password: `must have ${MIN_PASSWORD} to ${MAX_PASSWORD} characters`,
  }
  const fields = [...new Set(result.error.issues.map(({ path }) => String(path[0])))]
  throw invalid(...fields.map((field) => ({ path: [field], message: expected[field] ?? 'is invalid' })))
}

async function existing(hub: Hub, project: string): Promise<ClientView> {
  const client = await hub.clients.find(namedClient(project))
  if (!client) throw new PlugboardError('NOT_FOUND', 'project not found')
  return client
}

async function accountOf(hub: Hub, wanted: WantedOwner): Promise<WithId<PersonAccount>> {
  const { email, firstName, lastName } = wanted
  const passwordHash = await hashPassword(wanted.password)
  const names = { ...(firstName !== undefined && { firstName }), ...(lastName !== undefined && { lastName }) }
  try {
    return await hub.accounts.createPerson({ email, passwordHash, ...names, memberships: [] })
  } catch (error) {
    const person = isPlugboardError(error, 'CONFLICT') && (await hub.accounts.findPerson({ email }))
    if (!person) throw error
    return hub.accounts.changePerson(person.id, (known) => ({ ...known, ...names, passwordHash }))
  }
}

function withOwnership(person: PersonAccount, clientId: Id): PersonAccount {
  const others = person.memberships.filter((membership) => membership.clientId !== clientId)
  return { ...person, memberships: [...others, { clientId, role: 'owner' }] }
}
