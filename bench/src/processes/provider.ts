import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startNode, temporaryFolder } from './children.js'

const PROGRAM = fileURLToPath(new URL('./provider.program.js', import.meta.url))
const PATIENCE_MS = 60_000

/** Messages that people got. The time is that of `now()`, when the request arrived. */
export interface Sent {
  count: number
  lastAt: number
}

export interface Provider {
  /** Options of the channels, for PLUGBOARD_CHANNEL_OPTIONS. */
  options: string
  sent(): Promise<Sent>
  /** Waits until this many were sent. @throws Error after the time limit */
  until(count: number): Promise<Sent>
}

/** Options that send the calls of each channel to its own path. */
const optionsAt = (url: string) => ({
  telegram: { apiRoot: `${url}/telegram` },
  slack: { slackApiUrl: `${url}/slack/api/` },
  twilio: { apiBaseUrl: `${url}/twilio` },
  teams: { loginUrl: `${url}/teams`, connectorUrl: `${url}/teams` },
  vonage: { apiBaseUrl: `${url}/vonage`, sandboxBaseUrl: `${url}/vonage` },
  messenger: { apiBaseUrl: `${url}/messenger` },
  instagram: { apiBaseUrl: `${url}/instagram` },
  whatsapp: { graphUrl: `${url}/whatsapp` },
  discord: { apiUrl: `${url}/discord` },
  smooch: { apiBaseUrl: `${url}/smooch` },
})

/** Starts a fake of all providers as a separate process. */
export async function startProvider(): Promise<Provider> {
  const { url, ask } = await startNode({ args: [PROGRAM], cwd: await temporaryFolder() })
  const sent = (): Promise<Sent> => ask('sent')
  return {
    options: JSON.stringify(optionsAt(url)),
    sent,
    async until(count) {
      for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; await sleep(5)) {
        const now = await sent()
        if (now.count >= count) return now
      }
      throw new Error(`${(await sent()).count} of ${count} messages were sent in ${PATIENCE_MS} ms`)
    },
  }
}
