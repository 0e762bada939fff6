import { setFlagsFromString } from 'node:v8'
import { keepCompiledCode, preload } from './preload.js'
import type { Running } from './start.js'

/** Shells and package managers forward Ctrl-C, so one press may arrive more than once. */
const SAME_SIGNAL_MS = 1_000

/** Exit codes after a signal. */
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Heap growth beyond the live size before a garbage collection, in percent. By default, V8 lets the heap grow to four
 * times that, so a burst of large messages would leave half a gigabyte of garbage.
 */
const HEAP_GROWTH = 30

/** Starts the server, and stops it at a signal. `fail`: ends the process with an error. */
export async function serve(fail: (error: unknown) => never): Promise<void> {
  const closing = closeOnSignal(fail)
  // Most code of a start runs once: to optimize it takes an eighth of its processor time, and 7 MB that stay.
  setFlagsFromString('--no-opt')
  keepCompiledCode()
  preload('./start.js')
  const [{ readConfig }, { createLog }, { start }] = await Promise.all([
    import('./config/read-config.js'),
    import('./logging.js'),
    import('./start.js'),
  ])
  const config = readConfig()
  const isForPeople = process.stdout.isTTY
  const destination = isForPeople && (await import('./readable-log.js')).forPeople(process.stdout)
  const log = createLog(config.logLevel, destination || undefined)
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (err) => {
      log.fatal({ err }, 'uncaught error; exiting')
      process.exit(1)
    })
  }
  const running = await start(config, { log })
  closing.of(running)
  setFlagsFromString('--opt')
  // Not earlier: the small heap of a start would be collected again and again while it grows.
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`)
  const { url, database, adminKeyFile } = running
  const firstOperator = await running.firstOperator()
  const listens = `Plugboard listens on ${url}`
  // A program that reads the log gets JSON only. At any level, since whoever started the server waits for this line.
  if (!isForPeople)
    return log
      .child({}, { level: 'info' })
      .info({ database, adminKeyFile, firstOperator: pathOf(firstOperator) }, listens)
  console.log(`${listens}\nData is in ${database}`)
  if (adminKeyFile !== undefined) console.log(`The admin key is in ${adminKeyFile}`)
  if (firstOperator !== undefined)
    console.log(`Create the first operator of the console within an hour: ${firstOperator}`)
}

/**
 * The first signal starts a graceful stop; during the start, it ends the process. Another one ends the process
 * immediately, unless it is a duplicate. Without this, the first process of a container would ignore signals during the
 * start.
 */
function closeOnSignal(fail: (error: unknown) => never): { of(running: Running): void } {
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

/** Without the address, which the log shows too: it masks what is secret in addresses. */
function pathOf(link: string | undefined): string | undefined {
  if (link === undefined) return undefined
  const { pathname, search, hash } = new URL(link)
  return pathname + search + hash
}
