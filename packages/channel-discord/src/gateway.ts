import { setTimeout as sleep } from 'node:timers/promises'
import { FailureError, type Json, type ListenContext } from '@plugboard/core'
import { z } from 'zod'
import type { Call, Session } from './api.js'
import type { Config, Options } from './config.js'
import { cursorOf, positionIn } from './cursor.js'
import { gatewayUrl } from './gateway-host.js'
import { MAX_SHARDS } from './limits.js'
import { type Dispatch, Shard, type ShardHost } from './shard.js'

type Context = ListenContext<Config, Session>

/** Events that are given at once: few, because Discord expects the answer to a command within three seconds. */
const MAX_BATCH = 25
/** Events that wait, and their size in UTF-16 units. With more, the connection is opened again later. */
const MAX_WAITING = 10_000
const MAX_WAITING_SIZE = 16_000_000
/** Sessions that are left for today when no more are started: at none, Discord resets the token. */
const RESERVE = 10
/** How often sessions may be started, in milliseconds. https://docs.discord.com/developers/events/gateway#sharding-max-concurrency */
const IDENTIFY_MS = 5_000
/** How long an answer about the sessions of the bot counts, in milliseconds. */
const FRESH_MS = 60_000

/** https://docs.discord.com/developers/events/gateway#list-of-intents */
const INTENTS = {
  guildMessages: 1 << 9,
  guildMessageReactions: 1 << 10,
  directMessages: 1 << 12,
  directMessageReactions: 1 << 13,
} as const
/** Privileged: it must be turned on in the settings of the app. */
const MESSAGE_CONTENT = 1 << 15

/** https://docs.discord.com/developers/events/gateway#get-gateway-bot */
const botSchema = z.object({
  url: z.string().max(300),
  shards: z.int().min(1),
  session_start_limit: z.object({
    total: z.int().min(0),
    remaining: z.int().min(0),
    reset_after: z.number().min(0),
    max_concurrency: z.int().min(1),
  }),
})
type Bot = z.infer<typeof botSchema>

/** Whether the integration gets the content of all messages. */
export const hasContent = ({ messageContent = true }: Config): boolean => messageContent

/** The connections of a bot: one for each shard, which resume where the cursor says. */
export class Gateway {
  readonly #call: Call
  readonly #options: Options
  readonly #context: Context
  #shards: Shard[] = []
  #self = ''
  readonly #waiting: Dispatch[] = []
  #waitingSize = 0
  /** There is a position to store although there are no events: a session has begun. */
  #isMoved = false
  #failure: unknown
  #wake: () => void = () => undefined
  #isClosed = false
  /** What Discord said last about the bot. */
  #bot: Bot | undefined
  #askedAt = Number.NEGATIVE_INFINITY
  #turns: Promise<unknown> = Promise.resolve()
  /** When the last session was started, by remainder of the shard. */
  readonly #startedAt = new Map<number, number>()

  constructor(call: Call, options: Options, context: Context) {
    this.#call = call
    this.#options = options
    this.#context = context
    context.signal.addEventListener('abort', this.#abort, { once: true })
  }

  /** The user id of the bot. */
  get self(): string {
    return this.#self
  }

  /** Opens all connections. Those that start a session do it one after another. @throws FailureError */
  async open(): Promise<void> {
    const position = positionIn(this.#context.cursor)
    this.#self = position?.self ?? ''
    const count = position?.sessions.length ?? (await this.#asked()).shards
    if (count > MAX_SHARDS)
      throw new FailureError({
        kind: 'invalid',
        message: `the bot is in so many servers that it needs ${count} connections; Plugboard opens ${MAX_SHARDS} at most`,
      })
    const host = this.#hostOf(count)
    this.#shards = Array.from({ length: count }, (_, i) => new Shard(i, position?.sessions[i], host))
    for (const shard of this.#shards) shard.open().catch((error: unknown) => this.#fail(error))
  }

  #hostOf(shardCount: number): ShardHost {
    const { integration, webSocket, connected } = this.#context
    const { config } = integration
    const own = Object.values(INTENTS).reduce((all, intent) => all | intent, 0)
    return {
      token: config.botToken,
      intents: hasContent(config) ? own | MESSAGE_CONTENT : own,
      shardCount,
      webSocket: (url) => webSocket(url),
      urlFor: (given) => gatewayUrl(given, this.#options.apiUrl),
      turn: (shard) => this.#turn(shard),
      ready: (self) => {
        if (self !== undefined) {
          this.#self = self
          this.#isMoved = true
        }
        connected()
        this.#wake()
      },
      received: (dispatch) => this.#received(dispatch),
      failed: (error) => this.#fail(error),
    }
  }

  /** The next events, once there are some, or none with a position to store. @throws FailureError */
  async take(): Promise<Dispatch[]> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure
      // First the session alone, so that its first events come again if they cannot be stored.
      if (this.#isMoved) {
        this.#isMoved = false
        return []
      }
      const batch = this.#waiting.splice(0, MAX_BATCH)
      for (const { size } of batch) this.#waitingSize -= size
      if (batch.length > 0) return batch
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** The position after these events. */
  cursorAfter(dispatches: readonly Dispatch[]): Json {
    return cursorOf({
      self: this.#self,
      sessions: this.#shards.map(({ session }) => {
        if (!session) return undefined
        const seqs = dispatches.flatMap((each) => (each.session === session ? [each.seq] : []))
        return { ...session, seq: Math.max(session.seq, ...seqs) }
      }),
    })
  }

  close(): void {
    this.#isClosed = true
    this.#context.signal.removeEventListener('abort', this.#abort)
    for (const shard of this.#shards) shard.close()
    this.#fail(new FailureError({ kind: 'transient', message: 'it was stopped' }))
  }

  readonly #abort = (): void => this.close()

  #received(dispatch: Dispatch): void {
    if (this.#failure !== undefined) return
    this.#waiting.push(dispatch)
    this.#waitingSize += dispatch.size
    if (this.#waiting.length > MAX_WAITING || this.#waitingSize > MAX_WAITING_SIZE)
      this.#fail(new FailureError({ kind: 'transient', message: 'Discord sent more than can be stored' }))
    this.#wake()
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    for (const shard of this.#shards) shard.close()
    this.#wake()
  }

  /** One after another, as often as Discord allows. */
  #turn(shard: number): Promise<string> {
    const turn = this.#turns.then(() => this.#turnNow(shard))
    this.#turns = turn.catch(() => undefined)
    return turn
  }

  async #turnNow(shard: number): Promise<string> {
    const known = performance.now() - this.#askedAt < FRESH_MS ? this.#bot : undefined
    const { url, session_start_limit: limit } = known ?? (await this.#asked())
    if (limit.remaining <= RESERVE)
      throw new FailureError({
        ...{ kind: 'rate-limited', scope: 'integration', retryAfterMs: limit.reset_after },
        message: `the bot has started too many of its ${limit.total} sessions of the day: waiting, or Discord would reset its token`,
      })
    const group = shard % limit.max_concurrency
    const waitMs = (this.#startedAt.get(group) ?? Number.NEGATIVE_INFINITY) + IDENTIFY_MS - performance.now()
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.#context.signal, ref: false })
    if (this.#isClosed) throw new FailureError({ kind: 'transient', message: 'it was stopped' })
    this.#startedAt.set(group, performance.now())
    limit.remaining -= 1
    const checked = gatewayUrl(url, this.#options.apiUrl)
    if (checked !== undefined) return checked
    throw new FailureError({
      kind: 'transient',
      message: 'the address that Discord answered for the connection is not of Discord',
    })
  }

  async #asked(): Promise<Bot> {
    const { success, data } = botSchema.safeParse(
      await this.#call({ method: 'GET', path: '/gateway/bot' }, this.#context),
    )
    if (!success)
      throw new FailureError({
        kind: 'transient',
        message: 'Discord answered without an address to connect to',
      })
    this.#bot = data
    this.#askedAt = performance.now()
    return data
  }
}
