import type { Logger } from '@plugboard/core'

/** How often the same line is logged at most, in milliseconds. */
const PERIOD_MS = 60_000

/**
 * A logger for what many meet at once and again and again, such as an outage of the store: it logs each warning and error
 * once a minute, with how many such lines were `omitted` since the last one. Their messages must be constant.
 */
export function rareLog(log: Logger, now: () => Date): Logger {
  const lines = new Map<string, { at: number; omitted: number }>()

  const rarely =
    (level: 'warn' | 'error') =>
    (context: object, message: string): void => {
      const at = now().getTime()
      const line = lines.get(message)
      if (line && at - line.at < PERIOD_MS) {
        line.omitted += 1
        return
      }
      lines.set(message, { at, omitted: 0 })
      log[level](line && line.omitted > 0 ? { ...context, omitted: line.omitted } : context, message)
    }

  return {
    debug: (context, message) => log.debug(context, message),
    info: (context, message) => log.info(context, message),
    warn: rarely('warn'),
    error: rarely('error'),
  }
}
