import { Worker } from 'node:worker_threads'
import { DeadGenerations } from './dead-generations.js'
import type { Allowance } from './guard.js'
import { Outstanding } from './outstanding.js'
import { CommandWriter, type SenderSettings } from './sender-commands.js'
import type { SenderListener, WebhookItem, WebhookSender, WebhookTarget } from './sender-port.js'
import { type Report, readReport } from './sender-reports.js'

export interface WebhookSenderOptions {
  allowance: Allowance
  /** For one attempt, from connection to the end of the answer. Default 10 s. */
  timeoutMs?: number
  /** The longest timeout that an address may have. Default: no limit. */
  maxTimeoutMs?: number
  /** Requests in flight to one target. Default 32. */
  perTargetConcurrency?: number
  /** How much of an answer is read. Default 64 KiB. */
  maxResponseBytes?: number
  /** Targets that keep connections. Default 1,000. */
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

/** Performs webhook requests in a thread of its own. */
export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  return new ThreadedSender(options)
}

class ThreadedSender implements WebhookSender {
  readonly #settings: SenderSettings
  readonly #workerUrl: URL
  readonly #log: WebhookSenderOptions['log']
  readonly #outstanding = new Outstanding()
  readonly #dead = new DeadGenerations()
  #listener: SenderListener | undefined
  #worker: Worker | undefined
  readonly #outbox = new CommandWriter()
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

  start(listener: SenderListener): void {
    this.#listener = listener
  }

  push(
    lane: number,
    generation: number,
    target: WebhookTarget,
    items: readonly WebhookItem[],
    leaseEndsAt: number,
  ): void {
    if (this.#closing !== undefined || items.length === 0 || this.#dead.has(lane, generation)) return
    this.#outstanding.pushed(lane, generation, items)
    this.#collect().push(lane, generation, target, items, leaseEndsAt)
  }

  renew(lane: number, leaseEndsAt: number): void {
    if (this.#closing === undefined && this.#outstanding.has(lane)) this.#collect().renew(lane, leaseEndsAt)
  }

  cancel(lane: number): void {
    if (this.#closing !== undefined) return
    if (!this.#outstanding.cancelling(lane)) {
      setImmediate(() => this.#listener?.cancelled(lane))
      return
    }
    this.#collect().cancel(lane)
  }

  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#drain(graceMs)
    return this.#closing
  }

  /** For a command to be added: all of one turn of the loop become one message. */
  #collect(): CommandWriter {
    if (this.#outbox.isEmpty) setImmediate(() => this.#flush())
    return this.#outbox
  }

  /** The thread is made for the first request. Without one, commands wait for the next. */
  #flush(): void {
    if (this.#outbox.isEmpty) return
    if (this.#worker === undefined && this.#restart === undefined) return this.#spawn()
    if (this.#worker === undefined) return
    this.#worker.postMessage(this.#outbox.take())
  }

  #spawn(): void {
    this.#restart = undefined
    const startedAt = performance.now()
    const worker = new Worker(this.#workerUrl, { workerData: this.#settings, name: 'webhook-sender' })
    this.#worker = worker
    worker.on('message', (report: Report) => this.#receive(report))
    worker.on('error', (err) => this.#log?.error({ err }, 'webhook sender thread failed'))
    worker.on('exit', (exitCode) => {
      this.#worker = undefined
      if (this.#listener !== undefined) this.#recover(exitCode, performance.now() - startedAt)
    })
    this.#flush()
  }

  #receive(report: Report): void {
    const listener = this.#listener
    if (listener === undefined) return
    readReport(report, {
      delivered: (lane, generation, seq) => {
        this.#outstanding.delivered(lane, generation, seq)
        listener.delivered(lane, generation, seq)
      },
      failed: (lane, generation, seq, failure) => {
        this.#end(lane, generation)
        listener.failed(lane, generation, seq, failure)
      },
      cancelled: (lane) => {
        this.#outstanding.cancelled(lane)
        listener.cancelled(lane)
      },
      expired: (lane, generation) => {
        this.#end(lane, generation)
        listener.expired(lane, generation)
      },
    })
    if (report.isDrained) this.#onDrained?.()
  }

  /** Pushes of this generation that are still to come are ignored. */
  #end(lane: number, generation: number): void {
    this.#outstanding.ended(lane, generation)
    this.#dead.add(lane, generation)
  }

  /** What was in flight may have arrived. What was only queued is treated alike, since nobody can tell which is which. */
  #recover(exitCode: number, livedMs: number): void {
    this.#log?.error({ exitCode }, 'webhook sender thread ended unexpectedly')
    this.#outbox.take()
    const lost = this.#outstanding.takeAll()
    if (this.#closing !== undefined) this.#onDrained?.()
    else this.#restart = setTimeout(() => this.#spawn(), livedMs < RESTART_AFTER_MS ? RESTART_AFTER_MS : 0)
    for (const { lane, generation, seq } of lost.heads) {
      this.#dead.add(lane, generation)
      this.#listener?.failed(lane, generation, seq, { message: 'the sender restarted', ambiguous: true })
    }
    for (const lane of lost.cancels) this.#listener?.cancelled(lane)
  }

  async #drain(graceMs: number): Promise<void> {
    clearTimeout(this.#restart)
    if (this.#worker === undefined) return
    const drained = new Promise<void>((resolve) => {
      this.#onDrained = resolve
    })
    this.#outbox.take()
    this.#outbox.close()
    this.#flush()
    let timer: NodeJS.Timeout | undefined
    const graceOver = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs)
    })
    await Promise.race([drained, graceOver])
    clearTimeout(timer)
    this.#listener = undefined
    await this.#worker?.terminate()
  }
}
