import type { Id } from '@plugboard/core'
import { type Backlog, COUNTED_BACKLOG } from '../log/owing-streams.js'
import type { Store } from '../ports/store.js'
import type { Activity, Processes } from './processes.js'
import type { Trouble, Troubles } from './troubles.js'

/** Whether people are answered, and if not: who, since when and why. */
export interface OverviewView extends Activity {
  /** `trouble`: somebody is not answered. */
  status: 'ok' | 'trouble'
  /** No process delivers or listens. */
  isIdle: boolean
  /** Conversations and other streams with pending deliveries, counted up to {@link COUNTED_BACKLOG}. */
  backlog: Backlog
  troubles: Trouble[]
  /** There may be more troubles. */
  isMore: boolean
  /** When it was read. */
  at: Date
}

export interface OverviewOptions {
  store: Pick<Store, 'backlog'>
  processes: Pick<Processes, 'read'>
  troubles: Pick<Troubles, 'list'>
  now(): Date
}

/** How long an answer is used again, in milliseconds: many consoles cost what one costs. */
const FRESH_MS = 2000

/** The state of the whole installation, as any process can tell it: nothing of it is in the memory of one. */
export class Overview {
  readonly #options: OverviewOptions
  #last: { at: number; view: Promise<OverviewView> } | undefined

  constructor(options: OverviewOptions) {
    this.#options = options
  }

  /** The troubles of one client. */
  troublesOf(clientId: Id): Promise<{ troubles: Trouble[]; isMore: boolean }> {
    return this.#options.troubles.list({ clientId })
  }

  /** May be two seconds old. */
  read(): Promise<OverviewView> {
    const now = this.#options.now().getTime()
    if (this.#last && now - this.#last.at < FRESH_MS) return this.#last.view
    const last = { at: now, view: this.#read() }
    this.#last = last
    last.view.catch(() => {
      if (this.#last === last) this.#last = undefined
    })
    return last.view
  }

  async #read(): Promise<OverviewView> {
    const { store, processes, troubles, now } = this.#options
    const [activity, backlog, found] = await Promise.all([
      processes.read(),
      store.backlog(COUNTED_BACKLOG),
      troubles.list(),
    ])
    const isIdle = !activity.processes.some(({ state, delivers }) => state === 'running' && delivers)
    const status = isIdle || found.troubles.length > 0 ? 'trouble' : 'ok'
    return { ...activity, ...found, status, isIdle, backlog, at: now() }
  }
}
