import { fromUuid, type Id, PlugboardError, toUuid } from '@plugboard/core'
import type { Hub, Operator } from '@plugboard/hub'
import { z } from 'zod'
import { hashPassword, MAX_PASSWORD } from '../http/passwords/password-hash.js'
import { ROLES } from './actor.js'
import { idOfCursor, listOf } from './pages.js'

/** What the routes and the command of operators share. */

/** Shortest password of an operator: longer than that of others, because it opens everything. */
const MIN_OPERATOR_PASSWORD = 12

export const operatorPassword = z
  .string()
  .min(MIN_OPERATOR_PASSWORD, `must have at least ${MIN_OPERATOR_PASSWORD} characters`)
  .max(MAX_PASSWORD, `must have at most ${MAX_PASSWORD} characters`)

export const operatorEmail = z.email('must be an e-mail address').max(320)

const role = z.enum(ROLES)
const name = z.string().min(1).max(100)

export const wantedOperator = z.strictObject({
  email: operatorEmail,
  role,
  name: name.optional(),
  password: operatorPassword
    .optional()
    .describe('Without one, only a sign-in with OpenID Connect is possible'),
})

export const operatorChange = z.strictObject({
  role: role.optional(),
  name: name.optional(),
  password: operatorPassword.optional().describe('Ends all sessions of the operator'),
})

export const operatorSchema = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string().optional(),
  role,
  hasPassword: z.boolean(),
  isFromProvider: z.boolean().describe('Whether the operator has signed in with OpenID Connect'),
  createdAt: z.string().meta({ format: 'date-time' }),
})

export const operatorList = listOf(operatorSchema)

const operatorJson = ({
  id,
  email,
  name,
  role,
  passwordHash,
  subject,
  createdAt,
}: Operator): z.infer<typeof operatorSchema> => ({
  ...{ id: toUuid(id), email, role, createdAt },
  ...(name !== undefined && { name }),
  hasPassword: passwordHash !== undefined,
  isFromProvider: subject !== undefined,
})

/** @throws CONFLICT if another operator has the e-mail address */
export async function createOperator(
  hub: Hub,
  { password, email, role, name }: z.infer<typeof wantedOperator>,
): Promise<z.infer<typeof operatorSchema>> {
  const operator = await hub.operators.create({
    ...{ email, role },
    ...(name !== undefined && { name }),
    ...(password !== undefined && { passwordHash: await hashPassword(password) }),
  })
  return operatorJson(operator)
}

/** A change of the password ends all sessions. @throws NOT_FOUND; CONFLICT for the role of the last administrator */
export async function changeOperator(
  hub: Hub,
  id: Id,
  { role, name, password }: z.infer<typeof operatorChange>,
): Promise<z.infer<typeof operatorSchema>> {
  const passwordHash = password === undefined ? undefined : await hashPassword(password)
  if (role !== undefined && role !== 'admin') await hub.operators.demote(id, role)
  const changed = await hub.operators.change(id, ({ resigning, ...known }) => ({
    ...known,
    ...(role === 'admin' ? { role } : resigning && { resigning }),
    ...(name !== undefined && { name }),
    ...(passwordHash !== undefined && { passwordHash }),
  }))
  if (passwordHash !== undefined) await hub.operatorSessions.endAll({ operatorId: id })
  return operatorJson(changed)
}

/** A page of operators, oldest first, or the one with an e-mail address. */
export async function findOperators(
  hub: Hub,
  { email, limit, cursor }: { email?: string | undefined; limit: number; cursor?: string | undefined },
): Promise<z.infer<typeof operatorList>> {
  if (email !== undefined) {
    const found = await hub.operators.find({ email })
    return { items: found ? [operatorJson(found)] : [] }
  }
  const after = idOfCursor(cursor)
  const page = await hub.operators.list({ limit, ...(after && { after }) })
  const last = page.at(-1)
  return { items: page.map(operatorJson), ...(last && page.length === limit && { next: last.id }) }
}

/** Removes an operator with all sessions. @throws NOT_FOUND; CONFLICT for the last administrator */
export async function removeOperator(hub: Hub, id: Id): Promise<Operator> {
  const operator = await hub.operators.find({ id })
  if (!operator) throw new PlugboardError('NOT_FOUND', 'operator not found')
  await hub.operators.remove(id)
  await hub.operatorSessions.endAll({ operatorId: id })
  return operator
}

export const listedSession = z.object({
  id: z.string(),
  createdAt: z.string().meta({ format: 'date-time' }),
  usedAt: z.string().meta({ format: 'date-time' }),
  from: z.string().describe('Address from which it began'),
  userAgent: z.string().optional().describe('What the browser called itself'),
})

/** Sessions that a list shows. */
const MAX_SESSIONS = 100

/** Sessions of an operator, newest first. */
export async function listSessions(hub: Hub, operatorId: Id): Promise<z.infer<typeof listedSession>[]> {
  const sessions = await hub.operatorSessions.list(operatorId, MAX_SESSIONS)
  return sessions.map(({ id, createdAt, usedAt, from, userAgent }) => ({
    ...{ id: toUuid(id), createdAt, usedAt, from },
    ...(userAgent !== undefined && { userAgent }),
  }))
}

/** Ends one session of an operator. @throws NOT_FOUND */
export async function endSession(hub: Hub, operatorId: Id, wireId: string): Promise<void> {
  const id = fromUuid(wireId)
  if (id && (await hub.operatorSessions.endOf(operatorId, id))) return
  throw new PlugboardError('NOT_FOUND', 'session not found')
}

/** @throws NOT_FOUND */
export function idOfOperator(wireId: string): Id {
  const id = fromUuid(wireId)
  if (id) return id
  throw new PlugboardError('NOT_FOUND', 'operator not found')
}
