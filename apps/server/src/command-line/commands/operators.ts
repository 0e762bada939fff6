import { text } from 'node:stream/consumers'
import { invalid, PlugboardError } from '@plugboard/core'
import { z } from 'zod'
import {
  changeOperator,
  createOperator,
  findOperators,
  idOfOperator,
  operatorList,
  operatorSchema,
  removeOperator,
  wantedOperator,
} from '../../admin-api/operators.js'
import { readConfig } from '../../config/read-config.js'
import { type Operator, operate } from '../store-or-server.js'
import { everyPage, print, table } from './print.js'

export interface OperatorCommandOptions {
  email?: string | undefined
  role?: string | undefined
  name?: string | undefined
  'password-stdin'?: boolean | undefined
  json?: boolean | undefined
  url?: string | undefined
}

const api = '/admin/v1'

/** Creates an operator, or gives an existing one another role or password. */
export async function create({ json, url, ...typed }: OperatorCommandOptions): Promise<void> {
  const wanted = await parse(typed)
  const { email, ...change } = wanted
  const { operator, isNew } = await operate(readConfig(), { url, mayCreate: true }, async (run) => {
    const known = await findOne(run, email)
    const operator = known
      ? await run({
          ...{ api, method: 'PATCH', path: pathOf(known.id), body: change, answer: operatorSchema },
          audit: 'operator.update',
          run: (hub, note) => {
            note({ email, role: change.role })
            return changeOperator(hub, idOfOperator(known.id), change)
          },
        })
      : await run({
          ...{ api, path: '/operators', body: wanted, answer: operatorSchema },
          audit: 'operator.create',
          run: (hub, note) => {
            note({ email, role: wanted.role })
            return createOperator(hub, wanted)
          },
        })
    return { operator, isNew: !known }
  })
  const how = operator.hasPassword ? '' : ', who signs in with OpenID Connect'
  print(json, operator, [
    `${isNew ? 'Created' : 'Changed'} the operator ${email} with the role ${operator.role}${how}`,
  ])
}

export async function list({ json, url }: OperatorCommandOptions): Promise<void> {
  const operators = await operate(readConfig(), { url }, (run) =>
    everyPage(async (cursor) => {
      const { items, next: after } = await run({
        ...{
          api,
          method: 'GET',
          path: '/operators',
          query: { cursor, limit: String(PAGE) },
          answer: operatorList,
        },
        run: (hub) => findOperators(hub, { cursor, limit: PAGE }),
      })
      return { items, after }
    }),
  )
  const rows = operators.map(({ email, role, createdAt, hasPassword, isFromProvider }) => [
    ...[email, role, createdAt],
    [hasPassword && 'password', isFromProvider && 'OpenID Connect'].filter(Boolean).join(', '),
  ])
  print(json, operators, table(['EMAIL', 'ROLE', 'CREATED', 'SIGN-IN'], rows))
}

export async function remove({ email = '', json, url }: OperatorCommandOptions): Promise<void> {
  const { id } = await operate(readConfig(), { url }, async (run) => {
    const known = await findOne(run, email)
    if (!known) throw new PlugboardError('NOT_FOUND', `there is no operator with the e-mail address ${email}`)
    await run({
      ...{ api, method: 'DELETE', path: pathOf(known.id), answer: z.undefined(), audit: 'operator.delete' },
      run: async (hub, note) => {
        note({ email })
        await removeOperator(hub, idOfOperator(known.id))
      },
    })
    return known
  })
  print(json, { id, email }, [`Removed the operator ${email}`])
}

const PAGE = 200

const pathOf = (id: string): string => `/operators/${encodeURIComponent(id)}`

async function findOne(run: Operator, email: string): Promise<z.infer<typeof operatorSchema> | undefined> {
  const query = { email, limit: '1' }
  const { items } = await run({
    ...{ api, method: 'GET', path: '/operators', query, answer: operatorList },
    run: (hub) => findOperators(hub, { email, limit: 1 }),
  })
  return items[0]
}

/** @throws INVALID that names the options */
async function parse({
  'password-stdin': hasPassword,
  ...typed
}: Pick<OperatorCommandOptions, 'email' | 'role' | 'name' | 'password-stdin'>): Promise<
  z.infer<typeof wantedOperator>
> {
  const result = wantedOperator.safeParse({
    ...Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== undefined)),
    ...(hasPassword && { password: (await text(process.stdin)).replace(/\r?\n$/, '') }),
  })
  if (result.success) return result.data
  const expected: Record<string, string> = {
    email: 'must be an e-mail address',
    role: 'must be viewer, operator or admin',
    name: 'must have 1 to 100 characters',
    password: 'must have 12 to 256 characters',
  }
  const fields = [...new Set(result.error.issues.map(({ path }) => String(path[0])))]
  throw invalid(...fields.map((field) => ({ path: [field], message: expected[field] ?? 'is invalid' })))
}
