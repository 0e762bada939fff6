import { type Id, invalid, isId, isPlugboardError, PlugboardError } from '@plugboard/core'
import type { AuditDetails, Hub, PersonAccount, WithId } from '@plugboard/hub'
import { z } from 'zod'
import { hashPassword, MAX_PASSWORD, MIN_PASSWORD } from '../../http/passwords/password-hash.js'
import { adminPage, existingClient, nextPage, pageOfAccounts } from './admin-lists.js'

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

/** What the audit log says of a new owner. */
export const ofOwner = ({ userId, projectId }: z.infer<typeof madeOwner>): [AuditDetails, Id | undefined] => [
  { userId },
  isId(projectId) ? projectId : undefined,
]

/**
 * Creates an owner of an existing or a new project. An existing account with this e-mail address gets this password, so
 * that an operator can reset a forgotten one.
 * @throws NOT_FOUND for the project
 */
export async function createOwner(hub: Hub, wanted: WantedOwner): Promise<z.infer<typeof madeOwner>> {
  const known = wanted.project === 'new' ? undefined : await existingClient(hub, wanted.project, 'project')
  const { id: userId } = await accountOf(hub, wanted)
  const made = { facts: { createdBy: userId }, acceptsGuests: true }
  const project = known ?? (await hub.clients.create(made)).client
  await hub.accounts.changePerson(userId, (person) => withOwnership(person, project.id))
  return { projectId: project.id, userId }
}

export const ownersQuery = z.strictObject({ ...adminPage, project: z.string().min(1).optional() })

/** People who own a project. */
export const ownerList = z.object({
  owners: z.array(
    z.object({
      userId: z.string(),
      email: z.string(),
      firstName: z.string().optional(),
      lastName: z.string().optional(),
      projects: z.array(z.string()),
      createdOn: z.string(),
    }),
  ),
  ...nextPage,
})

/** Lists the owners of all projects or of one. @throws NOT_FOUND for the project */
export async function listOwners(
  hub: Hub,
  { project, ...page }: z.infer<typeof ownersQuery>,
): Promise<z.infer<typeof ownerList>> {
  const client = project === undefined ? undefined : await existingClient(hub, project, 'project')
  const { items, ...next } = await pageOfAccounts(hub, { ...page, client }, (account) => {
    if (account.kind !== 'person') return undefined
    const { id: userId, email, firstName, lastName, memberships, createdAt: createdOn } = account
    const owned = memberships.filter(({ role }) => role === 'owner').map(({ clientId }) => clientId)
    if (owned.length === 0 || (client && !owned.includes(client.id))) return undefined
    return {
      ...{ userId, email, projects: owned, createdOn },
      ...(firstName !== undefined && { firstName }),
      ...(lastName !== undefined && { lastName }),
    }
  })
  return { owners: items, ...next }
}

export const ownerToRemove = z.strictObject({
  email: z.email().max(320),
  project: z.string().min(1).optional(),
})

/** `isDeleted`: the account belonged to no other project, and was deleted. */
export const removedOwner = z.object({ projects: z.array(z.string()), isDeleted: z.boolean() })

/**
 * Takes a project, or all projects, from their owner. An account without any project is deleted.
 * @throws NOT_FOUND for the project, or if the person does not own it
 */
export async function removeOwner(
  hub: Hub,
  { email, project }: z.infer<typeof ownerToRemove>,
): Promise<z.infer<typeof removedOwner>> {
  const client = project === undefined ? undefined : await existingClient(hub, project, 'project')
  const person = await hub.accounts.findPerson({ email })
  const isTaken = ({ clientId, role }: PersonAccount['memberships'][number]): boolean =>
    role === 'owner' && (client === undefined || clientId === client.id)
  const projects = person?.memberships.filter(isTaken).map(({ clientId }) => clientId) ?? []
  if (!person || projects.length === 0) throw new PlugboardError('NOT_FOUND', 'owner not found')
  const { memberships } = await hub.accounts.changePerson(person.id, (known) => ({
    ...known,
    memberships: known.memberships.filter((membership) => !isTaken(membership)),
  }))
  const isDeleted = memberships.length === 0
  if (isDeleted) await hub.accounts.remove(person.id)
  return { projects, isDeleted }
}

/** Parses the operator's options. @throws INVALID that names the option */
export const parseWantedOwner = (typed: Partial<WantedOwner>): WantedOwner => parseOptions(wantedOwner, typed)

/** As {@link parseWantedOwner}. */
export const parseOwnerToRemove = (
  typed: Partial<z.infer<typeof ownerToRemove>>,
): z.infer<typeof ownerToRemove> => parseOptions(ownerToRemove, typed)

function parseOptions<T>(schema: z.ZodType<T>, typed: Partial<T>): T {
  const result = schema.safeParse(typed)
  if (result.success) return result.data
  const expected: Record<string, string> = {
    project: 'must be the id of a project (or `new` for `owners create`)',
    email: 'must be an e-mail address',
    password: `must have ${MIN_PASSWORD} to ${MAX_PASSWORD} characters`,
  }
  const fields = [...new Set(result.error.issues.map(({ path }) => String(path[0])))]
  throw invalid(...fields.map((field) => ({ path: [field], message: expected[field] ?? 'is invalid' })))
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
