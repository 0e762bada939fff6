import { fileURLToPath } from 'node:url'
import { startNode, temporaryFolder } from './children.js'

const PROGRAM = fileURLToPath(new URL('./receiver.program.js', import.meta.url))

/** `refuse` answers 503, `hang` never answers. */
export type Mood = 'accept' | 'refuse' | 'hang'

/** What a receiver has accepted since it was asked to start anew. Times are those of `now()`. */
export interface Arrivals {
  count: number
  firstAt: number
  lastAt: number
  refused: number
}

export interface Receiver {
  url: string
  /** From now on it does this. */
  become(mood: Mood): Promise<void>
  /** Counts from zero. */
  reset(): Promise<void>
  arrivals(): Promise<Arrivals>
  /** Waits until this many have arrived. @throws Error after the time limit */
  until(count: number, timeoutMs?: number): Promise<Arrivals>
}

const POLL_MS = 50
const PATIENCE_MS = 120_000

/** Starts a webhook receiver as a separate process. It answers after `delayMs` milliseconds. */
export async function startReceiver(delayMs = 0): Promise<Receiver> {
  const { url, ask } = await startNode({ args: [PROGRAM, String(delayMs)], cwd: await temporaryFolder() })
  const arrivals = (): Promise<Arrivals> => ask('arrivals')
  return {
    url,
    become: (mood) => ask('become', mood),
    reset: () => ask('reset'),
    arrivals,
    async until(count, timeoutMs = PATIENCE_MS) {
      const deadline = performance.now() + timeoutMs
      for (;;) {
        const arrived = await arrivals()
        if (arrived.count >= count) return arrived
        if (performance.now() > deadline)
          throw new Error(`${arrived.count} of ${count} webhooks arrived in ${timeoutMs} ms`)
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      }
    },
  }
}
