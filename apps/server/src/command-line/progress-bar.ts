/** Where progress is shown, such as the standard error. */
export interface Screen {
  isTTY?: boolean
  write(text: string): unknown
}

const BAR_WIDTH = 30
/** Without a terminal, one line per this many percent. */
const LINE_STEP = 10

/** Shows how far something is: a bar that moves on a terminal, else some plain lines. */
export function progressOn(screen: Screen, { now = Date.now, noun = 'records' } = {}) {
  const startedAt = now()
  let first: number | undefined
  let shown = -LINE_STEP
  return {
    show(done: number, total: number): void {
      first ??= done
      const percent = total === 0 ? 100 : Math.min(100, Math.floor((100 * done) / total))
      const perSecond = Math.round((done - first) / Math.max(0.001, (now() - startedAt) / 1000))
      const words = `${percent} % · ${done} of ${total} ${noun} · ${perSecond}/s`
      if (screen.isTTY) {
        const full = Math.round((percent / 100) * BAR_WIDTH)
        screen.write(`\r[${'#'.repeat(full)}${'-'.repeat(BAR_WIDTH - full)}] ${words}\u001b[K`)
      } else if (percent >= shown + LINE_STEP || (percent === 100 && shown < 100)) {
        shown = percent
        screen.write(`${words}\n`)
      }
    },
    /** Leaves the line of the bar. */
    end(): void {
      if (screen.isTTY && first !== undefined) screen.write('\n')
    },
  }
}
