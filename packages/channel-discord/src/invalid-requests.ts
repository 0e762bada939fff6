/** https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans */
const WINDOW_MS = 10 * 60 * 1000
const SLOTS = 60
const SLOT_MS = WINDOW_MS / SLOTS

/**
 * Counts the answers with the status 401, 403 and 429 of the last ten minutes, over all clients: Discord bans the IP
 * address of a server that gets too many, and with it every bot of the server. Counted in slots of ten seconds.
 */
export class InvalidRequests {
  readonly max: number
  readonly #slots: { slot: number; count: number }[] = []
  readonly #now: () => number

  constructor(max: number, now: () => number = () => performance.now()) {
    this.max = max
    this.#now = now
  }

  /** Whether this answer was the one that reached the limit. */
  count(): boolean {
    const slot = this.#slotNow()
    const last = this.#slots.at(-1)
    if (last?.slot === slot) last.count += 1
    else this.#slots.push({ slot, count: 1 })
    return this.#total() === this.max
  }

  /** How long no call may be made, in milliseconds: until enough answers are older than ten minutes. */
  get waitMs(): number {
    let excess = this.#total() - this.max + 1
    if (excess <= 0) return 0
    for (const { slot, count } of this.#slots) {
      excess -= count
      if (excess <= 0) return Math.ceil((slot + SLOTS + 1) * SLOT_MS - this.#now())
    }
    return SLOT_MS
  }

  #total(): number {
    const first = this.#slotNow() - SLOTS
    while (this.#slots[0] && this.#slots[0].slot < first) this.#slots.shift()
    return this.#slots.reduce((sum, { count }) => sum + count, 0)
  }

  #slotNow(): number {
    return Math.floor(this.#now() / SLOT_MS)
  }
}
