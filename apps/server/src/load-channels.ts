import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import {
  type Channel,
  CONTRACT_VERSION,
  channelNamePattern,
  isChannel,
  PlugboardError,
} from '@plugboard/core'
import type { LoadedChannel } from '@plugboard/hub'
import { preload } from './preload.js'

export interface ChannelSources {
  /** Packages, or paths that begin with a dot. */
  packages: readonly string[]
  /** By name of the channel. */
  options: Readonly<Record<string, unknown>>
  /** Packages are looked for here, then among those that came with the server. */
  workingFolder: string
}

/**
 * Loads channels. Nothing is skipped: the first that does not fit stops the start.
 * @throws INVALID with the package, the reason and what to do
 */
export async function loadChannels(sources: ChannelSources): Promise<LoadedChannel[]> {
  const { packages, options, workingFolder } = sources
  const modules = await Promise.all(packages.map((name) => importPackage(name, workingFolder)))
  const owners = new Map<string, string>()
  const loaded: LoadedChannel[] = []
  for (const [i, name] of packages.entries()) {
    const channel = checked(name, modules[i])
    const owner = owners.get(channel.name)
    if (owner !== undefined)
      throw fault(name, `${owner} has a channel "${channel.name}" too`, 'load only one of them')
    owners.set(channel.name, name)
    loaded.push({ channel, options: await checkedOptions(name, channel, options) })
  }
  const unknown = Object.keys(options).find((name) => !owners.has(name))
  if (unknown !== undefined) throw unknownOptions(unknown, [...owners.keys()])
  return loaded
}

function fault(name: string, reason: string, remedy: string, cause?: unknown): PlugboardError {
  const details = cause === undefined ? {} : { cause }
  return new PlugboardError(
    'INVALID',
    `cannot use the channel package ${name}: ${reason}; ${remedy}`,
    details,
  )
}

function unknownOptions(name: string, channels: readonly string[]): PlugboardError {
  const known = channels.length > 0 ? `the channels are ${channels.join(', ')}` : 'there are no channels'
  return new PlugboardError('INVALID', `"PLUGBOARD_CHANNEL_OPTIONS" has options for "${name}", but ${known}`)
}

async function importPackage(name: string, workingFolder: string): Promise<unknown> {
  const url = await locate(name, workingFolder)
  try {
    return ((await import(url)) as { default?: unknown }).default
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw fault(name, `loading it failed (${why})`, 'repair or reinstall it', error)
  }
}

/** As an import in the working folder would find it, or else one in the server. */
async function locate(name: string, workingFolder: string): Promise<string> {
  if (!name.startsWith('.') && !isFoundFrom(workingFolder, name)) {
    try {
      const url = import.meta.resolve(name)
      preload(fileURLToPath(url))
      return url
    } catch {
      // It is looked for and imported once more, with the reason.
    }
  }
  // It takes long to load, and only a channel that did not come with the server needs it.
  const { resolve } = await import('import-meta-resolve')
  const places = [pathToFileURL(join(workingFolder, 'plugboard.config.json')).href, import.meta.url]
  let reason: unknown
  for (const place of places) {
    try {
      return resolve(name, place)
    } catch (error) {
      reason ??= error
    }
  }
  const isMissing = (reason as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND'
  throw isMissing
    ? fault(name, `it is not installed in ${workingFolder}`, `run \`npm install ${name}\` there`, reason)
    : fault(name, (reason as Error).message, 'correct its name in PLUGBOARD_CHANNELS', reason)
}

/** Whether an import in this folder can find the package: it is installed there or above, or is the folder's own. */
function isFoundFrom(folder: string, name: string): boolean {
  const packageName = name.split('/', name.startsWith('@') ? 2 : 1).join('/')
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, 'node_modules', packageName)) || nameOf(at) === packageName) return true
    if (dirname(at) === at) return false
  }
}

/** The name of the package in a folder. */
function nameOf(folder: string): unknown {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return (manifest as { name?: unknown } | null)?.name
  } catch {
    return undefined
  }
}

/** What `defineChannel` makes has all members by its types; a package in plain JavaScript may lack some. */
const MEMBERS = {
  config: (value: unknown) => typeof value === 'object' && value !== null && '~standard' in value,
  capabilities: (value: unknown) => typeof value === 'object' && value !== null,
  secrets: Array.isArray,
  targets: (value: unknown) => value === undefined || Array.isArray(value),
  version: (value: unknown) => typeof value === 'string',
  load: (value: unknown) => typeof value === 'function',
} satisfies Partial<Record<keyof Channel, (value: unknown) => boolean>>

function checked(name: string, channel: unknown): Channel {
  if (!isChannel(channel))
    throw fault(
      name,
      'its default export is not a channel',
      'export the result of defineChannel of @plugboard/core as default',
    )
  const major = Number.parseInt(CONTRACT_VERSION, 10)
  if (channel.contract !== major) {
    const remedy = `install a version for contract ${major}, or a server for contract ${channel.contract}`
    throw fault(name, `it implements contract ${channel.contract}, but this server needs ${major}`, remedy)
  }
  if (!channelNamePattern.test(channel.name))
    throw fault(name, 'the name of its channel is invalid', `it must match ${channelNamePattern.source}`)
  for (const [member, fits] of Object.entries(MEMBERS)) {
    if (!fits(channel[member as keyof typeof MEMBERS]))
      throw fault(
        name,
        `its channel has an invalid "${member}"`,
        'see the Channel contract of @plugboard/core',
      )
  }
  return channel
}

async function checkedOptions(
  name: string,
  channel: Channel,
  all: ChannelSources['options'],
): Promise<unknown> {
  const given = Object.hasOwn(all, channel.name) ? all[channel.name] : undefined
  const remedy = `correct "${channel.name}" in PLUGBOARD_CHANNEL_OPTIONS`
  if (!channel.options) {
    if (given === undefined) return undefined
    throw fault(name, 'its channel takes no options', remedy)
  }
  const result = await channel.options['~standard'].validate(given ?? {})
  if (!result.issues) return result.value
  const faults = result.issues.map(({ path = [], message }) => {
    const field = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return field === '' ? message : `"${field}": ${message}`
  })
  throw fault(name, `its options are invalid (${faults.join('. ')})`, remedy)
}
