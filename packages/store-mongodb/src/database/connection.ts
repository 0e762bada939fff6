import mongoose, { type Connection } from 'mongoose'
import type { DatabaseClock } from './clock.js'
import { toOpenError } from './failure.js'

export interface OpenConnection {
  connection: Connection
  /** A replica set or a sharded cluster, which has change streams. */
  hasChangeStreams: boolean
}

export interface ConnectionOptions {
  url: string
  /** How long to look for a primary before a call fails, in milliseconds. */
  selectionTimeoutMs: number
  monitorCommands: boolean
}

/**
 * A connection of this store's own. Each write waits until a majority has it in its journal, and each read is of the
 * primary, so that it sees what was acknowledged.
 * @throws UNAUTHORIZED when the credentials are wrong, UNAVAILABLE when no primary is found in time
 */
export async function connect(options: ConnectionOptions, clock: DatabaseClock): Promise<OpenConnection> {
  const connection = mongoose.createConnection()
  try {
    await connection.openUri(options.url, {
      bufferCommands: false,
      autoIndex: false,
      autoCreate: false,
      writeConcern: { w: 'majority', journal: true },
      readPreference: 'primary',
      retryWrites: true,
      retryReads: true,
      serverSelectionTimeoutMS: options.selectionTimeoutMs,
      monitorCommands: options.monitorCommands,
      ignoreUndefined: true,
      appName: 'plugboard',
    })
    clock.follow(connection.getClient())
    const hello = await connection.db?.admin().command({ hello: 1 })
    if (hello) clock.read(hello)
    return { connection, hasChangeStreams: Boolean(hello?.setName) || hello?.msg === 'isdbgrid' }
  } catch (error) {
    await connection.close().catch(() => undefined)
    throw toOpenError(error)
  }
}
