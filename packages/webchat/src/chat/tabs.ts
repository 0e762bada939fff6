import type { State } from './state.js'
import type { Placed } from './stream.js'

/** What the tabs of a site tell each other. */
export type TabMessage =
  | ({ type: 'event'; userId: string | undefined } & Placed)
  | { type: 'connection'; connection: State['connection'] }
  /** A new tab asks for the state of the connection. */
  | { type: 'hello' }
  /** The queue changed. */
  | { type: 'queue' }
  /** Another visitor, or none. */
  | { type: 'session' }

/** The tabs of one visitor: they share a connection, a queue and a session. */
export class Tabs {
  readonly #name: string
  readonly #channel: BroadcastChannel | undefined

  constructor(client: string, onMessage: (message: TabMessage) => void) {
    this.#name = `plugboard:${client}`
    try {
      this.#channel = new BroadcastChannel(this.#name)
      this.#channel.onmessage = ({ data }: MessageEvent<TabMessage>) => onMessage(data)
    } catch {
      // A frame without storage has no other tabs.
    }
  }

  tell(message: TabMessage): void {
    this.#channel?.postMessage(message)
  }

  /**
   * Runs a task in one tab at a time: the others wait until it ends or its tab is closed. Without locks each tab runs it,
   * which costs connections, and no message twice.
   */
  async alone(task: string, signal: AbortSignal, run: () => Promise<void>): Promise<void> {
    const { locks } = navigator
    if (!locks || !this.#channel) return run()
    let hasRun = false
    try {
      await locks.request(`${this.#name}:${task}`, { signal }, async () => {
        hasRun = true
        await run()
      })
    } catch (error) {
      if (signal.aborted) return
      // Storage is blocked, so locks are too.
      if (hasRun) throw error
      await run()
    }
  }

  close(): void {
    this.#channel?.close()
  }
}
