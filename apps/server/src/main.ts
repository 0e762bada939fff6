#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { isPlugboardError } from '@plugboard/core'
import type { Command } from './help.js'

const commands = {
  start: runServer,
  'rotate-key': changeKey,
  copy: copyDatabase,
  help: async () => console.log((await import('./help.js')).helpText()),
  version: async () => console.log((await import('./version.js')).version),
} satisfies Record<Command, (line: Line) => Promise<void>>

/** Shells and package managers pass one Ctrl-C on, so that it arrives more than once. */
const SAME_SIGNAL_MS = 1_000

/** Exit codes of a program that a signal ended. */
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/** What the command line says. */
interface Line {
  command: string
  from?: string | undefined
  to?: string | undefined
}

async function main(): Promise<void> {
  const line = commandLine()
  const { command, from, to } = line
  if (!Object.hasOwn(commands, command)) throw new UsageError(`there is no command "${command}"`)
  if (command !== 'copy' && (from ?? to) !== undefined)
    throw new UsageError('--from and --to are of the command copy')
  await commands[command as Command](line)
}

class UsageError extends Error {}

function commandLine(): Line {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
        from: { type: 'string' },
        to: { type: 'string' },
      },
    })
    if (positionals.length > 1) throw new UsageError('one command at a time')
    const { help, version, from, to } = values
    return { command: help ? 'help' : version ? 'version' : (positionals[0] ?? 'start'), from, to }
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError((error as Error).message)
  }
}

async function runServer(): Promise<void> {
  const [{ readConfig }, { createLog }, { start }] = await Promise.all([
    import('./config.js'),
    import('./logging.js'),
    import('./start.js'),
  ])
  const config = readConfig()
  const log = createLog(config.logLevel)
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (err) => {
      log.fatal({ err }, 'the server failed in a way that it does not know')
      process.exit(1)
    })
  }
  const { url, database, close } = await start(config, { log })
  closeOnSignal(close)
  console.log(`Plugboard listens on ${url}\nData is in ${database}`)
}

/** The first signal drains; another one, unless it is the same that came twice, ends the process at once. */
function closeOnSignal(close: () => Promise<void>): void {
  let since: number | undefined
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (since === undefined) {
        since = Date.now()
        close().then(() => process.exit(0), fail)
      } else if (Date.now() - since > SAME_SIGNAL_MS) process.exit(SIGNAL_CODES[signal])
    })
  }
}

async function changeKey(): Promise<void> {
  const [{ readConfig }, { rotateKey }] = await Promise.all([
    import('./config.js'),
    import('./rotate-key.js'),
  ])
  const { clients, next } = await rotateKey(readConfig())
  console.log(`Sealed the secrets of ${clients} clients with the new key.\n${next}`)
}

async function copyDatabase({ from, to }: Line): Promise<void> {
  if (from === undefined || to === undefined) throw new UsageError('copy needs --from and --to')
  const [{ readConfig }, { copy }, { progressOn }] = await Promise.all([
    import('./config.js'),
    import('./copy/copy.js'),
    import('./copy/progress.js'),
  ])
  const progress = progressOn(process.stderr)
  const onProgress = progress.show
  const copied = await copy(readConfig(), { from, to, onProgress }).finally(progress.end)
  const counts = Object.entries(copied.counts).map(([kind, count]) => `  ${kind.padEnd(14)}${count}`)
  console.log(`Copied ${copied.from} to ${copied.to}. Both have:\n${counts.join('\n')}\n${copied.next}`)
}

/** One line for what an operator can mend, the whole stack for what is a fault of ours. */
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

// A reader of the output that went away is no reason to stop.
process.stdout.on('error', () => undefined)
main().catch(fail)
