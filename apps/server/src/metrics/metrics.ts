import {
  COUNTED_BACKLOG,
  type DeliveryObserver,
  type EntryType,
  type Hub,
  type ObservedTarget,
  type Store,
} from '@plugboard/hub'
// Not the package as a whole: with its process metrics it takes 60 ms and 11 MB, which wait for the first scrape.
import Counter from 'prom-client/lib/counter.js'
import Histogram from 'prom-client/lib/histogram.js'
import Registry from 'prom-client/lib/registry.js'
import { within } from '../deadline.js'

const FAST = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const SLOW = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600]

/** By the first digit of a status. */
const CLASSES = ['other', '1xx', '2xx', '3xx', '4xx', '5xx']

/** Longest wait for the store when it is asked for its backlog. */
const BACKLOG_MS = 2_000

/** What the server counts, in the text format of Prometheus. */
export class Metrics implements DeliveryObserver {
  readonly #registry = new Registry()
  #hasProcessMetrics = false
  /** Open sockets. */
  #sockets = 0
  readonly #requests = this.#histogram(
    'plugboard_http_request_duration_seconds',
    'HTTP requests by route, method and class of status.',
    FAST,
    ['route', 'method', 'status'],
  )
  readonly #storeCalls = this.#histogram(
    'plugboard_store_call_duration_seconds',
    'Store calls by method.',
    FAST,
    ['method'],
  )
  readonly #storeFailures = this.#counter('plugboard_store_failures_total', 'Failed store calls.', ['method'])
  readonly #commits = this.#histogram(
    'plugboard_store_commit_duration_seconds',
    'Store transactions: time that the process was blocked.',
    FAST,
  )
  readonly #writes = this.#counter('plugboard_store_writes_total', 'Writes in store transactions.')
  readonly #commands = this.#counter(
    'plugboard_store_commands_total',
    'Commands sent to MongoDB, each a round trip, by name.',
    ['command'],
  )
  readonly #entries = this.#counter('plugboard_entries_total', 'Entries appended to streams, by type.', [
    'type',
  ])
  readonly #deliveries = this.#counter(
    'plugboard_deliveries_total',
    'Deliveries by kind of target, channel and outcome: delivered, retried (one failed attempt) or dead.',
    ['kind', 'channel', 'outcome'],
  )
  readonly #ages = this.#histogram(
    'plugboard_delivery_age_seconds',
    'Time from accepting an entry to its delivery.',
    SLOW,
    ['kind'],
  )
  readonly #refused = this.#counter(
    'plugboard_connections_refused_total',
    'Connections refused because of the limit of open files.',
  )

  readonly #cuts = this.#counter(
    'plugboard_sockets_cut_total',
    'Sockets cut by reason: flood (the client sends too much) or slow (it does not read).',
    ['reason'],
  )

  request(route: string, method: string, status: number, ms: number): void {
    this.#requests.observe({ route, method, status: CLASSES[Math.floor(status / 100)] ?? 'other' }, ms / 1000)
  }

  /** One call of the store that succeeded. */
  called(method: string, ms: number): void {
    this.#storeCalls.observe({ method }, ms / 1000)
  }

  /** One call of the store that failed. */
  callFailed(method: string): void {
    this.#storeFailures.inc({ method })
  }

  /** One transaction. */
  committed(ms: number, writes: number): void {
    this.#commits.observe(ms / 1000)
    this.#writes.inc(writes)
  }

  /** One connection over the limit. */
  connectionRefused(): void {
    this.#refused.inc()
  }

  socketOpened(): void {
    this.#sockets += 1
  }

  /** A socket was cut because of what its client does. */
  socketCut(reason: 'flood' | 'slow'): void {
    this.#cuts.inc({ reason })
  }

  socketClosed(): void {
    this.#sockets -= 1
  }

  /** One command to a database on another host. */
  command(command: string): void {
    this.#commands.inc({ command })
  }

  appended(type: EntryType): void {
    this.#entries.inc({ type })
  }

  delivered(target: ObservedTarget, ageMs: number): void {
    this.#count(target, 'delivered')
    this.#ages.observe({ kind: target.kind }, ageMs / 1000)
  }

  retried(target: ObservedTarget): void {
    this.#count(target, 'retried')
  }

  died(target: ObservedTarget): void {
    this.#count(target, 'dead')
  }

  /** Not by integration: a server may have many thousands. Each client sees the counts of its own in `/health`. */
  #count({ kind, channel }: ObservedTarget, outcome: string): void {
    this.#deliveries.inc(channel === undefined ? { kind, outcome } : { kind, channel, outcome })
  }

  /** Everything, with the current backlog of the store and the figures of the process. */
  async text(store: Store, hub: Pick<Hub, 'listening' | 'live'>): Promise<string> {
    await this.#addProcessMetrics()
    const backlog = await backlogText(store)
    const gauges = [
      gauge('plugboard_listening_integrations', 'Integrations that this process listens for.', hub.listening),
      gauge('plugboard_event_streams', 'Event streams and waiting requests for events.', hub.live.followers),
      gauge('plugboard_sockets', 'Open sockets of users.', this.#sockets),
    ]
    return `${await this.#registry.metrics()}\n${backlog}${gauges.join('')}`
  }

  /** Not before the first scrape: they measure the event loop and garbage collections all the time. */
  async #addProcessMetrics(): Promise<void> {
    if (this.#hasProcessMetrics) return
    this.#hasProcessMetrics = true
    const { default: client } = await import('prom-client')
    client.collectDefaultMetrics({ register: this.#registry })
  }

  #histogram<L extends string = never>(name: string, help: string, buckets: number[], labelNames: L[] = []) {
    return new Histogram({ name, help, buckets, labelNames, registers: [this.#registry] })
  }

  #counter<L extends string = never>(name: string, help: string, labelNames: L[] = []) {
    return new Counter({ name, help, labelNames, registers: [this.#registry] })
  }
}

/** Left out when the store does not answer: a gauge that stands still would hide it. */
async function backlogText(store: Store): Promise<string> {
  const backlog = await within(BACKLOG_MS, store.backlog(COUNTED_BACKLOG)).catch(() => undefined)
  if (!backlog) return ''
  const { streams, oldest } = backlog
  const age = oldest ? Math.max(0, Date.now() - oldest.getTime()) / 1000 : 0
  return (
    gauge(
      'plugboard_backlog_streams',
      `Streams with pending deliveries, counted up to ${COUNTED_BACKLOG}.`,
      streams,
    ) + gauge('plugboard_backlog_age_seconds', 'Age of the oldest entry that may be undelivered.', age)
  )
}

const gauge = (name: string, help: string, value: number): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`
