/** Time that deferrable work may block the event loop per turn, in milliseconds. */
const BUDGET_MS = 10

const waiting: (() => void)[] = []
/** When the first work of this turn started; undefined before. */
let startedAt: number | undefined

/**
 * Call this before each piece of deferrable work that may be large: rendering an entry, a part of a long list. Returns
 * undefined while such work has taken little time in this turn of the event loop. Otherwise it returns a promise for a
 * later turn. Each turn resolves one such promise, so that requests are served between two pieces, however many
 * deliveries and lists run concurrently:
 *
 * ```ts
 * const turn = yieldIfBusy()
 * if (turn) await turn
 * ```
 *
 * Start the work immediately afterwards. Do not await undefined, because other work could then start in between.
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
