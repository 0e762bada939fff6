import { access } from 'node:fs/promises'
import { type Id, invalid, isPlugboardError, isUrl, PlugboardError } from '@plugboard/core'
import { Audit, type AuditDetails, type Hub, type Store } from '@plugboard/hub'
import { z } from 'zod'
import { type Noted, recorded } from '../admin-api/audited-action.js'
import { findAdminKey } from '../config/admin-key.js'
import { databaseOf } from '../config/database.js'
import { keyringFor } from '../config/encryption-key.js'
import type { Config } from '../config/read-config.js'
import { openForCommand } from '../storage/open-store.js'
import { preparePlaces } from '../storage/prepare-folders.js'

/** Adds to the entry of the audit log: no secrets. `clientId`: the client that the change is about. */
type Note = (details: AuditDetails, clientId?: Id) => void

/** One use case of the hub that also has an admin route. */
type OperatorTask<T> = {
  /** Where the route is. Default: `/api/v1/admin`. */
  api?: '/admin/v1'
  /** The route, below `api`. */
  path: string
  /** Members that are undefined are left out. */
  query?: Readonly<Record<string, string | undefined>>
  body?: object
  answer: z.ZodType<T>
  run(hub: Hub, note: Note): Promise<T>
} & (
  | { method: 'GET'; audit?: undefined }
  /** With the name of the action in the audit log. Default: POST. */
  | { method?: 'POST' | 'PATCH' | 'DELETE'; audit: string }
)

/** Runs the tasks of a command. */
export type Operator = <T>(task: OperatorTask<T>) => Promise<T>

export interface OperateOptions {
  /** Address of a running server. Default: the store itself, or the server that has it open. */
  url?: string | undefined
  /** Creates the database if it does not exist. Otherwise, that is an error. */
  mayCreate?: boolean
}

/**
 * Runs a command on the store. If a running server has the store open, or `url` is given, the tasks call the admin routes
 * of that server instead. @throws UNAVAILABLE if neither is reachable, and errors of the tasks
 */
export async function operate<T>(
  config: Config,
  { url, mayCreate = false }: OperateOptions,
  command: (operator: Operator) => Promise<T>,
): Promise<T> {
  if (url !== undefined) {
    const address = addressIn(url)
    return command((task) => callAdmin(address, config, task))
  }
  const database = databaseOf(config)
  if (!mayCreate && database.kind === 'sqlite') await assertThere(database.place)
  await preparePlaces(config)
  // First, as at a start: a new database has no key yet.
  const keyring = await keyringFor(database, config)
  const store = await openUnlessInUse(config)
  if (store) {
    // Most of the program, which a command that calls a server does without.
    const { withHub } = await import('./idle-hub.js')
    return withHub(config, { store, keyring }, (hub) => command((task) => runOn(hub, task)))
  }
  const address = addressOf(config)
  return command((task) => callAdmin(address, config, task))
}

/** What a command changes in a database is in the audit log, as what a server changes. */
function runOn<T>(hub: Hub, task: OperatorTask<T>): Promise<T> {
  const noted: Noted = { details: {} }
  const act = (): Promise<T> =>
    task.run(hub, (details, clientId) => {
      Object.assign(noted.details, details)
      if (clientId) noted.clientId = clientId
    })
  if (task.audit === undefined) return act()
  const { audit: action, body = {} } = task
  const fields = Object.keys(body)
  return recorded(hub, { action, actor: COMMAND_LINE, request: THIS_MACHINE, fields, noted }, act)
}

/** The same for what a command does without a hub. */
export function recordedIn<T>(store: Store, action: string, act: () => Promise<T>): Promise<T> {
  const audit = new Audit({ store, now: () => new Date(), keepMs: 0 })
  return recorded(
    { audit },
    { action, actor: COMMAND_LINE, request: THIS_MACHINE, noted: { details: {} } },
    act,
  )
}

/** Who does what a command does in a database. */
export const COMMAND_LINE = { kind: 'key', id: 'command-line', name: 'command line' } as const
const THIS_MACHINE = { id: 'command', ip: 'this machine', log: console }

/** To open a file creates it. */
async function assertThere(file: string): Promise<void> {
  await access(file).catch((cause: NodeJS.ErrnoException) => {
    // Other faults are named where the file is opened.
    if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') return
    throw new PlugboardError(
      'INVALID',
      `there is no database at ${file}: run this command in the folder of the server, or set DATABASE_URL as for the server`,
      { cause },
    )
  })
}

/** @throws INVALID for what is not the address of a server */
function addressIn(url: string): string {
  const { protocol, search, hash } = isUrl(url) ? new URL(url) : { protocol: '', search: '', hash: '' }
  if ((protocol === 'http:' || protocol === 'https:') && search + hash === '')
    return url.replace(/\/+$/, '').replace(/\/api\/v1$/, '')
  throw invalid({
    path: ['--url'],
    message: 'must be the address of a server, such as http://127.0.0.1:3100',
  })
}

/** Undefined if another process, a running server, has it open. */
async function openUnlessInUse(config: Config): Promise<Store | undefined> {
  try {
    return await openForCommand(config)
  } catch (error) {
    if (databaseOf(config).kind === 'sqlite' && isPlugboardError(error, 'CONFLICT')) return undefined
    throw error
  }
}

/** Local address of a server with this configuration. */
function addressOf({ host, port }: Config): string {
  if (port === 0)
    throw new PlugboardError('INVALID', 'a running server has the database open: give its address with --url')
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

/** What was wrong, beneath "fetch failed". */
const rootOf = (error: unknown): unknown =>
  error instanceof Error && error.cause instanceof Error ? rootOf(error.cause) : error

async function callAdmin<T>(url: string, config: Config, task: OperatorTask<T>): Promise<T> {
  const { internalPassword } = config
  const adminKey = await findAdminKey(databaseOf(config), config)
  const { api = '/api/v1/admin', method = 'POST', path, query = {}, body } = task
  const search = new URLSearchParams(
    Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
  const response = await fetch(`${url}${api}${path}${search.size > 0 ? `?${search}` : ''}`, {
    method,
    redirect: 'error',
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(adminKey !== undefined && { 'x-bp-messaging-admin-key': adminKey }),
      ...(internalPassword !== undefined && { password: internalPassword }),
    },
    ...(body && { body: JSON.stringify(body) }),
  }).catch((cause: unknown) => {
    throw new PlugboardError('UNAVAILABLE', `cannot reach the server at ${url}`, { cause: rootOf(cause) })
  })
  const text = messageIn(await response.text(), response.ok)
  if (response.status === 401)
    throw new PlugboardError(
      'UNAUTHORIZED',
      `the server at ${url} requires its admin key: set ADMIN_KEY, or run this command where its key file is readable`,
    )
  if (response.status === 403 && internalPassword === undefined)
    throw new PlugboardError(
      'FORBIDDEN',
      `the server at ${url} answered: ${text}; set INTERNAL_PASSWORD if it has one`,
    )
  // The same errors as those of a command on the database.
  const code = CODES[response.status]
  if (code) throw new PlugboardError(code, text.replaceAll(/"(body|query|params)\./g, '"'))
  if (!response.ok)
    throw new PlugboardError('INVALID', `the server at ${url} answered ${response.status}: ${text}`)
  return task.answer.parse(text === '' ? undefined : JSON.parse(text))
}

const CODES: Readonly<Record<number, 'INVALID' | 'NOT_FOUND' | 'CONFLICT'>> = {
  400: 'INVALID',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
}

const failure = z.object({ error: z.object({ message: z.string() }) })

/** What went wrong, in the format of either API; the body of an answer without an error. */
function messageIn(text: string, isOk: boolean): string {
  if (isOk || !text.startsWith('{')) return text
  const result = failure.safeParse(JSON.parse(text))
  return result.success ? result.data.error.message : text
}
