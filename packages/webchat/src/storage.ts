import type { WebChatConfig } from './config.js'

/** What this browser keeps of a visitor. */
interface Kept {
  /** The token of the visitor, which makes them the same person next time. */
  token?: string | undefined
  userId?: string | undefined
  isGuest?: boolean | undefined
  /** The customer whom the site named. */
  customer?: string | undefined
  /** From when on the session of a guest is made longer, in milliseconds since 1970. */
  renewAt?: number
  /** Whether messages wait in the queue. */
  hasQueue?: boolean | undefined
  /** Whether the pre-chat form was filled in. */
  hasForm?: boolean | undefined
  /** The last configuration, for a start without a network. */
  config?: WebChatConfig
}

/**
 * Where it is kept. Where storage is blocked (a frame of another site, a strict setting), that is memory, until the page
 * is left.
 */
export interface Keep {
  get(): Kept
  set(change: Partial<Kept>): void
  /** Removes everything. */
  clear(): void
}

export function keepOf(client: string): Keep {
  const key = `plugboard:${client}`
  const area = storageOr(() => localStorage)
  /** What the storage did not take, because the page has filled it. */
  let rest: Partial<Kept> = {}
  const get = (): Kept => {
    try {
      const kept: unknown = JSON.parse(area.getItem(key) ?? '{}')
      return { ...(kept && typeof kept === 'object' ? kept : {}), ...rest }
    } catch {
      return { ...rest }
    }
  }
  return {
    get,
    set(change) {
      try {
        area.setItem(key, JSON.stringify({ ...get(), ...change }))
        rest = {}
      } catch {
        rest = { ...rest, ...change }
      }
    },
    clear() {
      rest = {}
      area.removeItem(key)
    },
  }
}

type Area = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

/** A storage of the browser, or memory if it cannot be used. */
export function storageOr(find: () => Storage): Area {
  try {
    const area = find()
    const probe = 'plugboard'
    area.setItem(probe, '')
    area.removeItem(probe)
    return area
  } catch {
    const memory = new Map<string, string>()
    return {
      getItem: (key) => memory.get(key) ?? null,
      setItem: (key, value) => void memory.set(key, value),
      removeItem: (key) => void memory.delete(key),
    }
  }
}
