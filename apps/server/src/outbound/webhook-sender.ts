import { Worker } from 'node:worker_threads'
import type {
  AttemptReport,
  TransportListener,
  WebhookAddress,
  WebhookItem,
  WebhookSender,
} from '@plugboard/hub'
import { EndedGenerations } from './ended-generations.js'
import type { Allowance } from './guard.js'
import { type Command, Outbox, type Report, type SenderSettings } from './sender-protocol.js'
import { UnreportedItems } from './unreported-items.js'

export interface WebhookSenderOptions {
  allowance: Allowance
  /** For one attempt, from the connection to the end of the answer. Default 10 s. */
  timeoutMs?: number
  /** The longest timeout that an address may have. Default: no limit. */
  maxTimeoutMs?: number
  /** Requests under way to one address. Default 32. */
  perTargetConcurrency?: number
  /** How much of an answer is read. Default 64 KiB. */
  maxResponseBytes?: number
  /** Addresses that keep connections. Default 1,000. */
  maxPools?: number
  /** How long unused connections are kept. Default 60 s. */
  poolIdleMs?: number
  /** A pino logger fits. */
  log?: { error(context: object, message: string): void }
  /** Default: the compiled thread next to this file. Tests run from the sources name the one in `dist`. */
  workerUrl?: URL
}

/** A thread that died sooner than this after its start is not replaced at once. */
const RESTART_AFTER_MS = 1_000

/** Makes the requests of webhooks in a thread of its own. */
export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  return new ThreadedSender(options)
}

class ThreadedSender implements WebhookSender {
  readonly #settings: SenderSettings
  readonly #workerUrl: URL
  readonly #log: WebhookSenderOptions['log']
  readonly #unreported = new UnreportedItems()
  readonly #ended = new EndedGenerations()
  readonly #commands = new Outbox<Command>((commands) => this.#post(commands))
  /** Commands that wait for a thread. */
  #unposted: Command[] = []
  #listener: TransportListener | undefined
  /** Requests that belong to no lane, by their number, which is negative. */
  readonly #single = new Map<number, (attempt: AttemptReport) => void>()
  #lastSingle = 0
  #worker: Worker | undefined
  #restart: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined
  #onDrained: (() => void) | undefined

  constructor(options: WebhookSenderOptions) {
    this.#settings = {
      allowance: options.allowance,
      timeoutMs: options.timeoutMs ?? 10_000,
      maxTimeoutMs: options.maxTimeoutMs ?? Number.POSITIVE_INFINITY,
      perTargetConcurrency: options.perTargetConcurrency ?? 32,
      maxResponseBytes: options.maxResponseBytes ?? 65_536,
      maxPools: options.maxPools ?? 1_000,
      poolIdleMs: options.poolIdleMs ?? 60_000,
    }
    this.#workerUrl = options.workerUrl ?? new URL('./sender.worker.js', import.meta.url)
    this.#log = options.log
  }

  start(listener: TransportListener): void {
    this.#listener = listener
  }

  push(
    lane: number,
    generation: number,
    address: WebhookAddress,
    items: readonly WebhookItem[],
    leaseEndsAt: number,
  ): void {
    if (this.#closing !== undefined || items.length === 0 || this.#ended.has(lane, generation)) return
    this.#unreported.pushed(lane, generation, items)
    this.#commands.add({ type: 'push', lane, generation, address, items, leaseEndsAt })
  }

  request(address: WebhookAddress, item: WebhookItem): Promise<AttemptReport> {
    if (this.#closing !== undefined) return Promise.resolve(notSent('the server is stopping'))
    this.#lastSingle -= 1
    const number = this.#lastSingle
    return new Promise((resolve) => {
      this.#single.set(number, resolve)
      this.push(number, 0, address, [item], Number.POSITIVE_INFINITY)
    })
  }

  renew(lane: number, leaseEndsAt: number): void {
    if (this.#closing === undefined && this.#unreported.has(lane))
      this.#commands.add({ type: 'renew', lane, leaseEndsAt })
  }

  cancel(lane: number, generation: number): void {
    if (this.#closing !== undefined) return
    if (!this.#unreported.has(lane)) {
      setImmediate(() => this.#listener?.cancelled(lane, generation))
      return
    }
    this.#unreported.cancelling(lane, generation)
    this.#commands.add({ type: 'cancel', lane, generation })
  }

  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#drain(graceMs)
    return this.#closing
  }

  /** The thread is started for the first request. While there is none, commands wait for the next. */
  #post(commands: Command[]): void {
    if (this.#worker !== undefined) return this.#worker.postMessage(commands)
    this.#unposted.push(...commands)
    if (this.#restart === undefined) this.#spawn()
  }

  #spawn(): void {
    this.#restart = undefined
    const startedAt = performance.now()
    const worker = new Worker(this.#workerUrl, { workerData: this.#settings, name: 'webhook-sender' })
    this.#worker = worker
    worker.on('message', (reports: Report[]) => {
      for (const report of reports) this.#receive(report)
    })
    worker.on('error', (err) => this.#log?.error({ err }, 'webhook sender thread failed'))
    worker.on('exit', (exitCode) => {
      this.#worker = undefined
      if (this.#listener !== undefined) this.#recover(exitCode, performance.now() - startedAt)
    })
    if (this.#unposted.length > 0) worker.postMessage(this.#unposted)
    this.#unposted = []
  }

  /** Ends a request that belongs to no lane. False: the report is of a lane. */
  #endSingle(lane: number, attempt: AttemptReport): boolean {
    if (lane >= 0) return false
    this.#single.get(lane)?.(attempt)
    this.#single.delete(lane)
    return true
  }

  #receive(report: Report): void {
    switch (report.type) {
      case 'delivered': {
        const { lane, generation, seq, facts } = report
        this.#unreported.delivered(lane, generation, seq)
        if (this.#endSingle(lane, facts ?? notSent())) return
        if (facts) this.#listener?.attempted(lane, seq, facts)
        return this.#listener?.delivered(lane, generation, seq)
      }
      case 'failed': {
        const { lane, generation, seq, failure, facts } = report
        this.#end(lane, generation)
        // Without facts it failed before anything was sent.
        const attempt = { ...(facts ?? notSent()), failure }
        if (this.#endSingle(lane, attempt)) return
        this.#listener?.attempted(lane, seq, attempt)
        return this.#listener?.failed(lane, generation, seq, failure)
      }
      case 'cancelled':
        this.#unreported.cancelled(report.lane)
        return this.#listener?.cancelled(report.lane, report.generation)
      case 'expired':
        this.#end(report.lane, report.generation)
        return this.#listener?.expired(report.lane, report.generation)
      case 'drained':
        return this.#onDrained?.()
    }
  }

  /** Pushes of this generation that are still to come are ignored. */
  #end(lane: number, generation: number): void {
    this.#unreported.ended(lane, generation)
    this.#ended.add(lane, generation)
  }

  /** Requests under way may have arrived. Queued ones are treated alike, since nobody knows which were under way. */
  #recover(exitCode: number, livedMs: number): void {
    this.#log?.error({ exitCode }, 'webhook sender thread ended unexpectedly')
    this.#commands.take()
    this.#unposted = []
    const { heads, cancels } = this.#unreported.takeAll()
    if (this.#closing !== undefined) this.#onDrained?.()
    else this.#restart = setTimeout(() => this.#spawn(), livedMs < RESTART_AFTER_MS ? RESTART_AFTER_MS : 0)
    for (const { lane, generation, seq } of heads) {
      this.#ended.add(lane, generation)
      const failure = { kind: 'ambiguous', message: 'the sender restarted' } as const
      if (this.#endSingle(lane, { ...notSent(), failure })) continue
      this.#listener?.attempted(lane, seq, { ...notSent(), failure })
      this.#listener?.failed(lane, generation, seq, failure)
    }
    for (const { lane, generation } of cancels) this.#listener?.cancelled(lane, generation)
  }

  async #drain(graceMs: number): Promise<void> {
    clearTimeout(this.#restart)
    if (this.#worker === undefined) return
    const drained = new Promise<void>((resolve) => {
      this.#onDrained = resolve
    })
    this.#commands.take()
    this.#worker.postMessage([{ type: 'close' } satisfies Command])
    let timer: NodeJS.Timeout | undefined
    const graceOver = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs)
    })
    await Promise.race([drained, graceOver])
    clearTimeout(timer)
    this.#listener = undefined
    for (const number of [...this.#single.keys()]) this.#endSingle(number, notSent('the server is stopping'))
    await this.#worker?.terminate()
  }
}

/** An attempt that sent nothing. */
const notSent = (why?: string): AttemptReport => ({
  ...{ startedAt: Date.now(), durationMs: 0 },
  ...(why !== undefined && { failure: { kind: 'transient', message: why } }),
})
