import { isPlugboardError, PlugboardError } from '@plugboard/core'
import { Error as MongooseError, mongo } from 'mongoose'

const DUPLICATE_KEY = 11_000

/** Whether a document was refused because there is one with the same unique value. */
export const isTaken = (error: unknown): boolean =>
  error instanceof mongo.MongoServerError && error.code === DUPLICATE_KEY

/** Whether that is why one write of many was refused. */
export const isTakenWrite = (error: mongo.WriteError): boolean => error.code === DUPLICATE_KEY

/**
 * The writes of an unordered bulk that were refused, each by itself, while all others are done. Undefined where that is
 * not known: the driver throws an error of the same class, without one of them, when the command as a whole failed.
 */
export function refusedOf(error: unknown): readonly mongo.WriteError[] | undefined {
  if (!(error instanceof mongo.MongoBulkWriteError)) return undefined
  const refused = [error.writeErrors].flat()
  const isTold = refused.length > 0 && error.result?.getWriteConcernError() === undefined
  return isTold ? refused : undefined
}

/**
 * Codes of a server that cannot do now what it may do later: stepping down, shutting down, out of time or of disk,
 * without a majority.
 */
const OUT_OF_REACH: ReadonlySet<number> = new Set([
  6, 7, 50, 64, 89, 91, 100, 112, 133, 189, 202, 262, 317, 358, 9001, 10_058, 10_107, 11_600, 11_602, 13_435,
  13_436, 17_276,
])
/** OutOfDiskSpace. */
const FULL = 14_031
/** Codes of a server that does not let this user do it: unauthorized, authentication failed. */
const REFUSED: ReadonlySet<number> = new Set([13, 18, 8000])

/** What a caller of the store gets to see of an error. A bug stays what it is. */
export function toStoreError(error: unknown): unknown {
  if (isPlugboardError(error)) return error
  if (isTaken(error)) return new PlugboardError('CONFLICT', 'it exists already', { cause: error })
  if (error instanceof mongo.MongoServerError && error.code === FULL)
    return new PlugboardError('NO_SPACE', 'the disk of the database is full', { cause: error })
  if (isRefused(error)) return new PlugboardError('UNAVAILABLE', REFUSAL, { cause: error })
  if (isOutOfReach(error)) {
    return new PlugboardError('UNAVAILABLE', 'the database cannot be reached now', { cause: error })
  }
  return error
}

/** Why a store cannot be opened: wrong credentials are told apart, since coming again does not help. */
export function toOpenError(error: unknown): unknown {
  // The driver's own words may quote the string, and a password with it.
  if (isParseError(error) || error instanceof mongo.MongoInvalidArgumentError || isBadAddress(error))
    return new PlugboardError(
      'INVALID',
      'the connection string of MongoDB, or one of its options, is not understood; special characters of the user and the password must be percent-encoded',
    )
  return isRefused(error)
    ? new PlugboardError('UNAUTHORIZED', REFUSAL, { cause: error })
    : toStoreError(error)
}

/** The parser of connection strings is a package of its own, with a class of the same name. */
const isParseError = (error: unknown): boolean =>
  error instanceof mongo.MongoParseError || (error instanceof Error && error.name === 'MongoParseError')

/** The driver has no class of its own for a host or a port that is none. */
const isBadAddress = (error: unknown): boolean =>
  error instanceof mongo.MongoRuntimeError && error.message.startsWith('Unable to parse ')

const REFUSAL = 'the database refuses the user or the password of the connection string'

const isRefused = (error: unknown): boolean =>
  error instanceof mongo.MongoServerError && REFUSED.has(Number(error.code))

/** What the system says of a connection. The driver lets some of it through as it is. */
const SYSTEM_CODES: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
  'ETIMEDOUT',
])

function isOutOfReach(error: unknown): boolean {
  if (error instanceof MongooseError.MongooseServerSelectionError) return true
  if (error instanceof Error && 'code' in error && SYSTEM_CODES.has(error.code)) return true
  if (error instanceof mongo.MongoServerError) {
    return (
      (error instanceof mongo.MongoBulkWriteError && isBulkOutOfReach(error)) ||
      error instanceof mongo.MongoWriteConcernError ||
      OUT_OF_REACH.has(Number(error.code)) ||
      error.hasErrorLabel('RetryableWriteError') ||
      error.hasErrorLabel('TransientTransactionError')
    )
  }
  if (error instanceof mongo.MongoParseError || error instanceof mongo.MongoInvalidArgumentError) return false
  // Mongoose's own word for a connection that is down (bufferCommands is off).
  if (error instanceof MongooseError) return /not (yet )?connected|initial connection/i.test(error.message)
  return (
    error instanceof mongo.MongoNetworkError ||
    error instanceof mongo.MongoSystemError ||
    error instanceof mongo.MongoDriverError
  )
}

/** Of a bulk that failed as a whole, what failed is inside: an error, or the word of those it was to wait for. */
const isBulkOutOfReach = (error: mongo.MongoBulkWriteError): boolean => {
  const inner: unknown = error.errorResponse
  return inner instanceof Error ? isOutOfReach(inner) : error.result?.getWriteConcernError() !== undefined
}

/**
 * An upsert that answers the document. Of two that insert at once one is refused, or answered nothing, and finds it when
 * it comes again.
 */
export async function upsert<T>(write: () => PromiseLike<T | null>): Promise<T> {
  const first = await Promise.resolve(write()).catch((error: unknown) => {
    if (!isTaken(error)) throw error
    return null
  })
  const doc = first ?? (await write())
  if (doc === null) throw new PlugboardError('UNAVAILABLE', 'the database did not answer what it has')
  return doc
}
