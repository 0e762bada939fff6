import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { isPlugboardError } from '@plugboard/core'
import type { Hub } from '@plugboard/hub'
import type { Command } from './config/help.js'
import type { Running } from './start.js'

const commands = {
  start: runServer,
  'rotate-key': changeKey,
  copy: copyDatabase,
  'keys create': makeKey,
  'owners create': makeOwner,
  help: async () => console.log((await import('./config/help.js')).helpText()),
  version: async () => console.log((await import('./version.js')).version),
} satisfies Record<Command, (line: Line) => Promise<void>>

/** Shells and package managers forward Ctrl-C, so one press may arrive more than once. */
const SAME_SIGNAL_MS = 1_000

/** Exit codes after a signal. */
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Heap growth beyond the live size before a garbage collection, in percent. By default, V8 lets the heap grow to four
 * times that, so a burst of large messages would leave half a gigabyte of garbage.
 */
const HEAP_GROWTH = 30

/** Options of the command line. */
const options = {
  from: { type: 'string' },
  to: { type: 'string' },
  app: { type: 'string' },
  scope: { type: 'string' },
  integration: { type: 'string' },
  name: { type: 'string' },
  project: { type: 'string' },
  email: { type: 'string' },
  firstname: { type: 'string' },
  lastname: { type: 'string' },
  'password-stdin': { type: 'boolean' },
  json: { type: 'boolean' },
  url: { type: 'string' },
} as const

/** Options of each command. */
const optionsOf: Partial<Record<Command, readonly (keyof typeof options)[]>> = {
  copy: ['from', 'to'],
  'keys create': ['app', 'scope', 'integration', 'name', 'json', 'url'],
  'owners create': ['project', 'email', 'firstname', 'lastname', 'password-stdin', 'json', 'url'],
}

type Line = ReturnType<typeof parseLine>['values']

const parseLine = () =>
  parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
      ...options,
    },
  })

async function main(): Promise<void> {
  const { command, line } = commandLine()
  await commands[command](line)
}

class UsageError extends Error {}

function commandLine(): { command: Command; line: Line } {
  const { positionals, values } = parsed()
  const { help, version, ...line } = values
  const name = help ? 'help' : version ? 'version' : positionals.join(' ') || 'start'
  if (!isCommand(name)) throw new UsageError(`unknown command "${name}"`)
  const own: readonly string[] = optionsOf[name] ?? []
  const stray = Object.keys(line).find((option) => !own.includes(option))
  if (stray !== undefined && !help && !version)
    throw new UsageError(`--${stray} is not an option of the command ${name}`)
  return { command: name, line }
}

const isCommand = (name: string): name is Command => Object.hasOwn(commands, name)

function parsed(): ReturnType<typeof parseLine> {
  try {
    return parseLine()
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

async function runServer(): Promise<void> {
  const closing = closeOnSignal()
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`)
  const [{ readConfig }, { createLog }, { start }] = await Promise.all([
    import('./config/read-config.js'),
    import('./logging.js'),
    import('./start.js'),
  ])
  const config = readConfig()
  const isForPeople = process.stdout.isTTY
  const destination = isForPeople && (await import('./people-log.js')).forPeople(process.stdout)
  const log = createLog(config.logLevel, destination || undefined)
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (err) => {
      log.fatal({ err }, 'uncaught error; exiting')
      process.exit(1)
    })
  }
  const running = await start(config, { log })
  closing.of(running)
  const { url, database, adminKeyFile } = running
  const listens = `Plugboard listens on ${url}`
  // A program that reads the log gets JSON only. At any level, since whoever started the server waits for this line.
  if (!isForPeople) return log.child({}, { level: 'info' }).info({ database, adminKeyFile }, listens)
  console.log(`${listens}\nData is in ${database}`)
  if (adminKeyFile !== undefined) console.log(`The admin key is in ${adminKeyFile}`)
}

/**
 * The first signal starts a graceful stop; during the start, it ends the process. Another one ends the process
 * immediately, unless it is a duplicate. Without this, the first process of a container would ignore signals during the
 * start.
 */
function closeOnSignal(): { of(running: Running): void } {
  let running: Running | undefined
  let since: number | undefined
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (!running) process.exit(SIGNAL_CODES[signal])
      if (since === undefined) {
        since = Date.now()
        running.close().then(() => process.exit(0), fail)
      } else if (Date.now() - since > SAME_SIGNAL_MS) process.exit(SIGNAL_CODES[signal])
    })
  }
  return {
    of(started) {
      running = started
    },
  }
}

async function changeKey(): Promise<void> {
  const [{ readConfig }, { rotateKey }] = await Promise.all([
    import('./config/read-config.js'),
    import('./operator/rotate-key.js'),
  ])
  const { clients, next } = await rotateKey(readConfig())
  console.log(`Encrypted the secrets of ${clients} clients with the new key.\n${next}`)
}

async function copyDatabase({ from, to }: Line): Promise<void> {
  if (from === undefined || to === undefined) throw new UsageError('copy needs --from and --to')
  const [{ readConfig }, { copy }, { progressOn }] = await Promise.all([
    import('./config/read-config.js'),
    import('./operator/copy/copy.js'),
    import('./operator/copy/progress.js'),
  ])
  const progress = progressOn(process.stderr)
  const onProgress = progress.show
  const copied = await copy(readConfig(), { from, to, onProgress }).finally(progress.end)
  const all = { ...copied.counts, attachment: copied.attachments }
  const counts = Object.entries(all).map(([kind, count]) => `  ${kind.padEnd(14)}${count}`)
  console.log(`Copied ${copied.from} to ${copied.to}. Both hold:\n${counts.join('\n')}\n${copied.next}`)
}

async function makeKey({ app, scope, integration, name, json, url }: Line): Promise<void> {
  const [{ readConfig }, { operate }, { createKey, madeKey, parseWantedKey }] = await Promise.all([
    import('./config/read-config.js'),
    import('./operator/task.js'),
    import('./dialects/messaging-v1/admin-keys.js'),
  ])
  const body = parseWantedKey({
    ...(app !== undefined && { app }),
    ...(scope !== undefined && { scope }),
    ...(integration !== undefined && { integrationId: integration }),
    ...(name !== undefined && { displayName: name }),
  })
  const run = (hub: Hub) => createKey(hub, body)
  const made = await operate(readConfig(), { path: '/keys', body, answer: madeKey, run }, url)
  const { appId, keyId, secret } = made
  console.log(json ? JSON.stringify(made) : `App     ${appId}\nKey     ${keyId}\nSecret  ${secret}`)
}

async function makeOwner({ project, email, firstname, lastname, json, url, ...line }: Line): Promise<void> {
  if (!line['password-stdin']) throw new UsageError('owners create reads the password with --password-stdin')
  const [{ readConfig }, { operate }, { createOwner, madeOwner, parseWantedOwner }] = await Promise.all([
    import('./config/read-config.js'),
    import('./operator/task.js'),
    import('./dialects/messaging-v1/admin-owners.js'),
  ])
  const body = parseWantedOwner({
    ...(project !== undefined && { project }),
    ...(email !== undefined && { email }),
    ...(firstname !== undefined && { firstName: firstname }),
    ...(lastname !== undefined && { lastName: lastname }),
    password: (await text(process.stdin)).replace(/\r?\n$/, ''),
  })
  const run = (hub: Hub) => createOwner(hub, body)
  const made = await operate(readConfig(), { path: '/owners', body, answer: madeOwner, run }, url)
  console.log(json ? JSON.stringify(made) : `${email} owns the project ${made.projectId}`)
}

/** Prints one line for errors that an operator can fix, and the stack for internal errors. */
function fail(error: unknown): never {
  if (error instanceof UsageError) console.error(`plugboard: ${error.message}; see plugboard help`)
  else if (isPlugboardError(error)) console.error(`plugboard: ${withCause(error)}`)
  else console.error(error)
  process.exit(1)
}

function withCause(error: Error & { code: string }): string {
  const isTold = error.code === 'UNAVAILABLE' && error.cause instanceof Error
  return isTold ? `${error.message} (${(error.cause as Error).message})` : error.message
}

// A closed output pipe is no reason to stop.
process.stdout.on('error', () => undefined)
main().catch(fail)
