import { createConnection } from 'mongoose'

/** What a server answers that is not the primary any more. */
const NOT_PRIMARY = 10107

/**
 * Makes the next of these commands fail as when the primary steps down in the middle of it. Whether it was done cannot
 * be told from the answer; drivers repeat it.
 */
export async function stepDownAtNext(url: string, commands: readonly string[]): Promise<void> {
  const connection = await createConnection(url).asPromise()
  try {
    await connection
      .getClient()
      .db('admin')
      .command({
        configureFailPoint: 'failCommand',
        mode: { times: 1 },
        data: { failCommands: commands, errorCode: NOT_PRIMARY, errorLabels: ['RetryableWriteError'] },
      })
  } finally {
    await connection.close()
  }
}
