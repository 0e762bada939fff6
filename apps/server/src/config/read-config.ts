import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Issue, invalid, PlugboardError } from '@plugboard/core'
import { z } from 'zod'
import { isMongodbUrl } from '../storage/open-store.js'
import { settings } from './settings.js'

type Settings = typeof settings
type Name = keyof Settings
type Shape = { [K in Name]: Settings[K]['schema'] }

/** All settings, checked. Holds secrets: log {@link printable} instead. */
export type Config = z.output<z.ZodObject<Shape>> & {
  /** Relative paths start here, and channels are resolved from here. */
  workingFolder: string
}

/** Where settings may also stand, in the working folder. The environment wins. */
export const CONFIG_FILE = 'plugboard.config.json'

const names = Object.keys(settings) as Name[]

const schema = z.object(Object.fromEntries(names.map((name) => [name, settings[name].schema])) as Shape)

/**
 * Reads all settings: from the environment, then from the file, then the defaults. An empty variable counts as unset.
 * @throws INVALID that names each bad setting and shows no value
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
    if (result.data.role !== 'all' && !isMongodbUrl(result.data.databaseUrl))
      throw invalid({
        path: ['ROLE'],
        message: 'must be all with an embedded database, which has one process',
      })
    return { ...result.data, workingFolder }
  }
  throw invalid(
    ...result.error.issues.map(({ path: [name], message }): Issue => {
      const { key } = settings[name as Name]
      return { path: [env[key] ? key : `${key} in ${CONFIG_FILE}`], message }
    }),
  )
}

/** The settings in the file, as the texts that the environment would have. */
function readConfigFile(workingFolder: string): Partial<Record<Name, string>> {
  const value = parseConfigFile(workingFolder)
  const unknown = Object.keys(value).filter((name) => !Object.hasOwn(settings, name))
  if (unknown.length > 0)
    throw invalid(
      ...unknown.map((name) => ({ path: [`${name} in ${CONFIG_FILE}`], message: 'is no setting' })),
    )
  return Object.fromEntries(Object.entries(value).map(([name, setting]) => [name, asText(setting)]))
}

function parseConfigFile(workingFolder: string): object {
  let text: string
  try {
    text = readFileSync(join(workingFolder, CONFIG_FILE), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new PlugboardError('INVALID', `${CONFIG_FILE} cannot be read`, { cause: error })
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // The parser's message would show a piece of the file.
  }
  throw new PlugboardError('INVALID', `${CONFIG_FILE} is not a JSON object`)
}

function asText(value: unknown): string {
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** What may be logged: the settings in force by the names of their variables, secrets masked. */
export function printable(config: Config): Record<string, string> {
  const entries = names.flatMap((name): [string, string][] => {
    const { key, show } = settings[name]
    const value = config[name]
    return value === undefined ? [] : [[key, (show as (value: unknown) => string)(value)]]
  })
  return Object.fromEntries(entries)
}
