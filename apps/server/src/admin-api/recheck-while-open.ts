import type { ServerResponse } from 'node:http'

/**
 * Asks from time to time whether an answer that goes on may go on, and cuts it when it may not. Ends with the answer,
 * which may be over already: its caller may go while it is found out who that is.
 */
export function whileOpen(
  response: Pick<ServerResponse, 'closed' | 'once' | 'destroy'>,
  everyMs: number,
  mayGoOn: () => Promise<boolean>,
): void {
  if (response.closed) return
  const timer = setInterval(() => {
    void mayGoOn().then((may) => may || response.destroy())
  }, everyMs)
  timer.unref()
  response.once('close', () => clearInterval(timer))
}
