import type { Answer } from '@plugboard/core/testing'
import type { Args } from './rules.js'

/** An update that waits for the bot. */
interface Update {
  update_id: number
}

interface Bot {
  updates: Update[]
  /** Answers the poll that waits. */
  end?: (answer: Answer) => void
}

interface Options {
  /** The address of the bot's webhook, if it has one. */
  webhookOf(token: string): string | undefined
  ok(result: unknown): Answer
  refuse(status: number, description: string): Answer
}

/**
 * The updates of bots, as `getUpdates` gives them: an update is given until a call names a higher `offset`, and a call
 * that waits ends when another one comes, or a webhook is set.
 */
export class FakeUpdates {
  readonly #options: Options
  readonly #bots = new Map<string, Bot>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #lastId = 800_000

  constructor(options: Options) {
    this.#options = options
  }

  /** Numbers an update and gives it to the bot. */
  add(token: string, update: object): number {
    this.#lastId += 1
    const bot = this.#botOf(token)
    bot.updates.push({ update_id: this.#lastId, ...update })
    bot.end?.(this.#options.ok(bot.updates.slice(0, 100)))
    return this.#lastId
  }

  /** Updates that were not confirmed. */
  waiting = (token: string): number => this.#botOf(token).updates.length

  /** A webhook was set: nobody may poll any more. */
  webhookSet(token: string): void {
    const { refuse } = this.#options
    this.#botOf(token).end?.(refuse(409, 'Conflict: terminated by setWebhook request'))
  }

  poll(token: string, { offset, limit, timeout }: Args): Answer | Promise<Answer> {
    const { webhookOf, ok, refuse } = this.#options
    if (webhookOf(token) !== undefined)
      return refuse(
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
      )
    const bot = this.#botOf(token)
    bot.end?.(
      refuse(
        409,
        'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
      ),
    )
    if (offset !== undefined) bot.updates = bot.updates.filter(({ update_id }) => update_id >= Number(offset))
    const given = bot.updates.slice(0, Number(limit))
    if (given.length > 0 || timeout === 0) return ok(given)
    return this.#wait(bot, Number(timeout) * 1000)
  }

  #wait(bot: Bot, ms: number): Promise<Answer> {
    return new Promise((resolve) => {
      const end = (answer: Answer): void => {
        clearTimeout(timer)
        this.#timers.delete(timer)
        if (bot.end === end) delete bot.end
        resolve(answer)
      }
      const timer = setTimeout(() => end(this.#options.ok([])), ms)
      this.#timers.add(timer)
      bot.end = end
    })
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #botOf(token: string): Bot {
    const known = this.#bots.get(token) ?? { updates: [] }
    this.#bots.set(token, known)
    return known
  }
}
