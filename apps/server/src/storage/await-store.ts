import { createServer, type Server } from 'node:http'
import { isPlugboardError, type Logger } from '@plugboard/core'
import { databaseOf } from '../config/database.js'
import type { Config } from '../config/read-config.js'

const FIRST_WAIT_MS = 1_000
const MAX_WAIT_MS = 30_000

/**
 * Opens a store or its files. If MongoDB cannot be reached, retries, and answers on the server's port that the process is
 * up and not ready. @throws errors that a retry does not remedy: wrong credentials, a file that cannot be opened
 */
export async function awaitStore<T>(
  open: () => Promise<T>,
  config: Pick<Config, 'host' | 'port' | 'databaseUrl' | 'workingFolder'>,
  log: Logger,
): Promise<T> {
  const { kind, label: database } = databaseOf(config)
  let stand: Server | undefined
  try {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, MAX_WAIT_MS)) {
      try {
        return await open()
      } catch (err) {
        if (kind === 'sqlite' || !isPlugboardError(err, 'UNAVAILABLE')) throw err
        log.error(
          { database, error: reasonOf(err), waitMs },
          'cannot reach the database; retrying. Check that it runs and that DATABASE_URL is its address',
        )
      }
      stand ??= await standIn(config)
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  } finally {
    await leave(stand)
  }
}

/** One line, without stack: at a start, the operator needs the reason and what to do. */
const reasonOf = ({ message, cause }: Error): string =>
  cause instanceof Error ? `${message} (${cause.message})` : message

const UP = JSON.stringify({ status: 'ok' })
const NOT_READY = JSON.stringify({ status: 'unavailable', problems: ['the database does not respond'] })

async function standIn({ host, port }: Pick<Config, 'host' | 'port'>): Promise<Server> {
  const server = createServer(({ url }, response) => {
    const isUp = url?.split('?', 1)[0] === '/healthz'
    response
      .writeHead(isUp ? 200 : 503, {
        'content-type': 'application/json; charset=utf-8',
        ...(!isUp && { 'retry-after': '5' }),
        connection: 'close',
      })
      .end(isUp ? UP : NOT_READY)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return server
}

async function leave(server: Server | undefined): Promise<void> {
  if (!server) return
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
}
