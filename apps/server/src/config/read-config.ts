import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Issue, invalid, isPlugboardError, PlugboardError } from '@plugboard/core'
import { z } from 'zod'
import { isMongodbUrl } from './database.js'
import { formatDuration } from './duration.js'
import { settings } from './settings.js'

type Settings = typeof settings
type Name = keyof Settings
type Shape = { [K in Name]: Settings[K]['schema'] }

/** All settings, parsed. Holds secrets: log the result of {@link printable}. */
export type Config = z.output<z.ZodObject<Shape>> & {
  /** Base of relative paths and of channel packages. */
  workingFolder: string
}

/** Optional file with settings, in the working folder. Environment variables take precedence. */
export const CONFIG_FILE = 'plugboard.config.json'

const names = Object.keys(settings) as Name[]

const schema = z.object(Object.fromEntries(names.map((name) => [name, settings[name].schema])) as Shape)

/**
 * Reads all settings. Precedence: environment, file, default. An empty variable counts as unset.
 * @throws INVALID that names each invalid setting, never its value
 */
export function readConfig(options: { env?: NodeJS.ProcessEnv; workingFolder?: string } = {}): Config {
  const { env = process.env, workingFolder = process.cwd() } = options
  const file = readConfigFile(workingFolder)
  const texts: Partial<Record<Name, string>> = {}
  for (const name of names) {
    const text = env[settings[name].key] || file[name]
    if (text !== undefined) texts[name] = text
  }
  const result = schema.safeParse(texts)
  if (result.success) {
    assertConsistent(result.data)
    return { ...result.data, workingFolder }
  }
  throw invalid(
    ...result.error.issues.map(({ path: [name], message }): Issue => {
      const { key } = settings[name as Name]
      return { path: [env[key] ? key : `${key} in ${CONFIG_FILE}`], message }
    }),
  )
}

/** Attempts at a webhook that fit into one lease, so that one can start while a renewal of the lease is late. */
export const ATTEMPTS_PER_LEASE = 3

/** The longest that one attempt at a webhook may take, in milliseconds: it has to end before the lease does. */
export const maxAttemptMs = ({
  databaseUrl,
  leaseTime,
}: Pick<Config, 'databaseUrl' | 'leaseTime'>): number =>
  isMongodbUrl(databaseUrl) ? leaseTime / ATTEMPTS_PER_LEASE : Number.POSITIVE_INFINITY

/** @throws INVALID for settings that are valid alone and do not fit each other */
function assertConsistent(config: Omit<Config, 'workingFolder'>): void {
  const { role, databaseUrl, leaseTime, webhookTimeout } = config
  if (role !== 'all' && !isMongodbUrl(databaseUrl))
    throw invalid({
      path: ['ROLE'],
      message: 'must be `all` with an embedded database, because only one process can open it',
    })
  if (config.oidcIssuer !== undefined && config.oidcClientId === undefined)
    throw invalid({ path: ['OIDC_CLIENT_ID'], message: 'must be set, because OIDC_ISSUER is' })
  if (webhookTimeout > maxAttemptMs(config))
    throw invalid({
      path: ['LEASE_TIME'],
      message:
        `is ${formatDuration(leaseTime)} and must be at least ${ATTEMPTS_PER_LEASE} times WEBHOOK_TIMEOUT, ` +
        `which is ${formatDuration(webhookTimeout)}`,
    })
}

/** The settings in the file, in the syntax of the environment. */
function readConfigFile(workingFolder: string): Partial<Record<Name, string>> {
  const value = parseConfigFile(workingFolder)
  const unknown = Object.keys(value).filter((name) => !Object.hasOwn(settings, name))
  if (unknown.length > 0)
    throw invalid(
      ...unknown.map((name) => ({ path: [`${name} in ${CONFIG_FILE}`], message: 'is not a setting' })),
    )
  return Object.fromEntries(Object.entries(value).map(([name, setting]) => [name, asText(setting)]))
}

function parseConfigFile(workingFolder: string): object {
  let text: string
  try {
    const file = join(workingFolder, CONFIG_FILE)
    // To read a pipe would wait for ever.
    if (!statSync(file).isFile()) throw new PlugboardError('INVALID', `${CONFIG_FILE} is not a regular file`)
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (isPlugboardError(error)) throw error
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new PlugboardError('INVALID', `cannot read ${CONFIG_FILE}`, { cause: error })
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // The parser's message would quote the file, which may hold secrets.
  }
  throw new PlugboardError('INVALID', `${CONFIG_FILE} must be a JSON object`)
}

function asText(value: unknown): string {
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** The effective settings by variable name, with secrets masked: safe to log. */
export function printable(config: Config): Record<string, string> {
  const entries = names.flatMap((name): [string, string][] => {
    const { key, show } = settings[name]
    const value = config[name]
    return value === undefined ? [] : [[key, (show as (value: unknown) => string)(value)]]
  })
  return Object.fromEntries(entries)
}
