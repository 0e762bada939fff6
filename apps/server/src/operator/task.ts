import { isPlugboardError, PlugboardError } from '@plugboard/core'
import type { Hub, Keyring, Store } from '@plugboard/hub'
import type { z } from 'zod'
import { databaseOf } from '../config/database.js'
import type { Config } from '../config/read-config.js'
import { createConfiguredHub } from '../configured-hub.js'
import { PublicUrls } from '../http/public-urls.js'
import { createLog } from '../logging.js'
import { Metrics } from '../metrics/metrics.js'
import { openBlobs } from '../storage/open-blobs.js'
import { openStore } from '../storage/open-store.js'
import { preparePlaces } from '../storage/places.js'
import { findAdminKey } from './admin-key.js'
import { keyringFor } from './keyring.js'
import { assertUsable } from './usable-store.js'

/** An operator command: one use case of the hub that also has an admin route. */
export interface OperatorTask<T> {
  /** The admin route, below `/api/v1/admin`. */
  path: string
  body: object
  answer: z.ZodType<T>
  run(hub: Hub): Promise<T>
}

/**
 * Runs a task on the store. If a running server has the store open, or `url` is given, calls the admin routes of that
 * server instead. @throws UNAVAILABLE if neither is reachable, and errors of the task
 */
export async function operate<T>(config: Config, task: OperatorTask<T>, url?: string): Promise<T> {
  if (url !== undefined) return callAdmin(url.replace(/\/+$/, ''), config, task)
  // First, as at a start: a new database has no key yet.
  await preparePlaces(config)
  const keyring = await keyringFor(databaseOf(config), config)
  const store = await openUnlessInUse(config)
  if (store) return withHub(config, { store, keyring }, task.run)
  return callAdmin(addressOf(config), config, task)
}

/** Undefined if another process, a running server, has it open. */
async function openUnlessInUse(config: Config): Promise<Store | undefined> {
  try {
    return await openStore(config)
  } catch (error) {
    if (databaseOf(config).kind === 'sqlite' && isPlugboardError(error, 'CONFLICT')) return undefined
    throw error
  }
}

/** A hub that delivers nothing and loads no channel. */
async function withHub<T>(
  config: Config,
  { store, keyring }: { store: Store; keyring: Keyring },
  use: (hub: Hub) => Promise<T>,
): Promise<T> {
  try {
    await assertUsable(store, keyring)
    const blobs = await openBlobs(config)
    try {
      const parts = { store, blobs, keyring, metrics: new Metrics(), urls: new PublicUrls(config) }
      // The standard output is the result of the command.
      const log = createLog(config.logLevel, process.stderr)
      return await use(await createConfiguredHub({ ...config, channels: [] }, {}, { ...parts, log }))
    } finally {
      await blobs.close()
    }
  } finally {
    await store.close()
  }
}

/** Local address of a server with this configuration. */
function addressOf({ host, port }: Config): string {
  if (port === 0)
    throw new PlugboardError('INVALID', 'a running server has the database open: give its address with --url')
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

async function callAdmin<T>(url: string, config: Config, task: OperatorTask<T>): Promise<T> {
  const { internalPassword } = config
  const adminKey = await findAdminKey(databaseOf(config), config)
  const response = await fetch(`${url}/api/v1/admin${task.path}`, {
    method: 'POST',
    redirect: 'error',
    headers: {
      'content-type': 'application/json',
      ...(adminKey !== undefined && { 'x-bp-messaging-admin-key': adminKey }),
      ...(internalPassword !== undefined && { password: internalPassword }),
    },
    body: JSON.stringify(task.body),
  }).catch((cause: unknown) => {
    throw new PlugboardError('UNAVAILABLE', `cannot reach the server at ${url}`, { cause })
  })
  const text = await response.text()
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
  if (!response.ok) throw new PlugboardError('INVALID', `the server at ${url} answered: ${text}`)
  return task.answer.parse(JSON.parse(text))
}
