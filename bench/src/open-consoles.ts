import { setTimeout } from 'node:timers/promises'
import { asAdmin } from './admin.js'
import type { Server } from './processes/server.js'
import type { SeededConversation } from './seed.js'

/** A page that somebody looks at: it asks again and again, or follows a stream. */
interface OpenPage {
  path: string
  /** Absent: a stream. */
  everyMs?: number
}

/** Consoles that are open in browsers, each on a page, which asks for as much and as often as `apps/console` does. */
export class OpenConsoles {
  readonly #server: Server
  readonly #pages: readonly OpenPage[]
  #abort = new AbortController()
  #open: Promise<void>[] = []

  /** `client`: the path of one client. */
  constructor(server: Server, client: string, conversations: readonly SeededConversation[]) {
    this.#server = server
    const timelines = conversations.slice(0, 2).map(({ conversationId }) => ({
      path: `${client}/conversations/${conversationId}/timeline?limit=50`,
      everyMs: 3000,
    }))
    this.#pages = [
      ...[{ path: '/overview', everyMs: 5000 }, ...timelines, { path: `${client}/webhooks`, everyMs: 5000 }],
      { path: `${client}/jobs?limit=5`, everyMs: 15_000 },
      // At most ten tails of one caller are open at the same time.
      { path: '/events' },
    ]
  }

  /** Resolves when each has its first answer. */
  async start(count: number): Promise<void> {
    this.#abort = new AbortController()
    const pages = Array.from({ length: count }, (_, i) => this.#pages[i % this.#pages.length] as OpenPage)
    const opened = pages.map((page) => this.#get(page.path))
    const answers = await Promise.all(opened)
    this.#open = pages.map((page, i) => this.#look(page, answers[i] as Response))
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await Promise.all(this.#open)
  }

  async #look({ path, everyMs }: OpenPage, first: Response): Promise<void> {
    const { signal } = this.#abort
    try {
      if (everyMs === undefined) {
        for await (const _ of first.body ?? []) if (signal.aborted) return
        throw new Error(`${path} ended`)
      }
      await first.text()
      // Not all in the same moment.
      await setTimeout(Math.random() * everyMs, undefined, { signal })
      for (;;) {
        await (await this.#get(path)).text()
        await setTimeout(everyMs, undefined, { signal })
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async #get(path: string): Promise<Response> {
    const url = `${this.#server.url}/admin/v1${path}`
    const response = await fetch(url, { headers: asAdmin, signal: this.#abort.signal })
    if (!response.ok) throw new Error(`${path} answered ${response.status}`)
    return response
  }
}
