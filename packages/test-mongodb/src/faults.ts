import { createConnection } from 'mongoose'

/** What a server answers that is not the primary any more. */
const NOT_PRIMARY = 10107

/** What happens to commands of whoever sends them next: of all clients of the server, so give it none but your own. */
export interface Fault {
  /** Their names, such as `insert`. */
  commands: readonly string[]
  /** How many of them fail. Default: 1. */
  times?: number
  /**
   * `step-down`: they are answered as when the primary steps down in the middle of it; `hang-up`: the connection ends
   * without an answer. Whether it was done cannot be told either way. Default: `step-down`.
   */
  how?: 'step-down' | 'hang-up'
}

/** Makes the next of these commands fail. Drivers repeat each once. Takes the place of the fault before. */
export function failNext(url: string, { commands, times = 1, how = 'step-down' }: Fault): Promise<void> {
  const refusal = { errorCode: NOT_PRIMARY, errorLabels: ['RetryableWriteError'] }
  const data = { failCommands: commands, ...(how === 'step-down' ? refusal : { closeConnection: true }) }
  return configure(url, { mode: { times }, data })
}

/** No more commands fail, also where some should still have. */
export const failNoMore = (url: string): Promise<void> => configure(url, { mode: 'off' })

async function configure(url: string, failPoint: object): Promise<void> {
  const connection = await createConnection(url).asPromise()
  try {
    const admin = connection.getClient().db('admin')
    await admin.command({ configureFailPoint: 'failCommand', ...failPoint })
  } finally {
    await connection.close()
  }
}
