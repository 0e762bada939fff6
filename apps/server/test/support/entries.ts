import { call } from './api.js'
import type { TestServer } from './server.js'

/** How many entries the server has written since it started: users, conversations, messages and what happened to channels. */
export async function countEntries(server: Pick<TestServer, 'url'>): Promise<number> {
  const { text } = await call(server, 'GET', '/metrics')
  const values = [...text.matchAll(/^plugboard_entries_total\{.*\} (\d+)$/gm)].map(([, value]) =>
    Number(value),
  )
  return values.reduce((sum, value) => sum + value, 0)
}
