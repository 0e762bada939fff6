const LONGEST_MS = 30_000

/** How long to wait before the hub is asked again: each failure in a row doubles it. */
export class Retries {
  #failures = 0

  /** The pause after one more failure, in milliseconds. */
  nextMs(): number {
    return Math.min(LONGEST_MS, 1_000 * 2 ** this.#failures++)
  }

  /** It was reached. */
  reset(): void {
    this.#failures = 0
  }
}
