/** How long work that can wait may hold the event loop before others get a turn, in milliseconds. */
const BUDGET_MS = 10

const waiting: (() => void)[] = []
/** When the first work of this turn began; undefined before there is any. */
let startedAt: number | undefined

/**
 * To be called before each piece of work that can wait and may be large: rendering an entry, a part of a long list.
 * Answers undefined while such work has taken little of this turn of the event loop. Else it answers a promise for a
 * later turn, and each turn has one of them, so that requests are served between two pieces, however many deliveries and
 * lists there are at once:
 *
 * ```ts
 * const turn = yieldIfBusy()
 * if (turn) await turn
 * ```
 *
 * with the work right after it: whoever awaits undefined lets others ask before the work that they should wait for.
 */
export function yieldIfBusy(): Promise<void> | undefined {
  const now = performance.now()
  if (startedAt === undefined) {
    startedAt = now
    setImmediate(endTurn)
  }
  if (waiting.length === 0 && now - startedAt < BUDGET_MS) return undefined
  return new Promise((resolve) => waiting.push(resolve))
}

function endTurn(): void {
  startedAt = undefined
  const next = waiting.shift()
  if (!next) return
  startedAt = performance.now()
  setImmediate(endTurn)
  next()
}
