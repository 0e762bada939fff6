import type { DeliveryObserver, EntryType, Store } from '@plugboard/hub'
import type { Registry } from 'prom-client'
import { within } from '../deadline.js'
import { lazy, lazyModule } from '../lazy.js'
import { Counter, Histogram, Metric } from './instruments.js'

const FAST = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const SLOW = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600]

const histogram = (name: string, help: string, labels: readonly string[], bounds: readonly number[]) =>
  new Metric({ name, help, labels, type: 'histogram' }, () => new Histogram(bounds))

const counter = (name: string, help: string, labels: readonly string[]) =>
  new Metric({ name, help, labels, type: 'counter' }, () => new Counter())

/** By the first digit of a status. */
const CLASSES = ['other', '1xx', '2xx', '3xx', '4xx', '5xx']

type Kind = 'webhook' | 'endpoint' | 'integration'

/** Longest wait for the store when it is asked for its backlog. */
const BACKLOG_MS = 2_000

/** What the server counts, in the text format of Prometheus. */
export class Metrics implements DeliveryObserver {
  readonly #requests = histogram(
    'plugboard_http_request_duration_seconds',
    'HTTP requests by route, method and class of status.',
    ['route', 'method', 'status'],
    FAST,
  )
  readonly #storeCalls = histogram(
    'plugboard_store_call_duration_seconds',
    'Store calls by method.',
    ['method'],
    FAST,
  )
  readonly #storeFailures = counter('plugboard_store_failures_total', 'Failed store calls.', ['method'])
  readonly #commits = histogram(
    'plugboard_store_commit_duration_seconds',
    'Store transactions: time that the process was blocked.',
    [],
    FAST,
  )
  readonly #writes = counter('plugboard_store_writes_total', 'Writes in store transactions.', [])
  readonly #commands = counter(
    'plugboard_store_commands_total',
    'Commands sent to MongoDB, each a round trip, by name.',
    ['command'],
  )
  readonly #entries = counter('plugboard_entries_total', 'Entries appended to streams, by type.', ['type'])
  readonly #deliveries = counter(
    'plugboard_deliveries_total',
    'Deliveries by kind of target and outcome: delivered, retried (one failed attempt) or dead.',
    ['kind', 'outcome'],
  )
  readonly #ages = histogram(
    'plugboard_delivery_age_seconds',
    'Time from accepting an entry to its delivery.',
    ['kind'],
    SLOW,
  )
  readonly #refused = counter(
    'plugboard_connections_refused_total',
    'Connections refused because of the limit of open files.',
    [],
  )
  readonly #runtime = lazy(loadRuntime)

  request(route: string, method: string, status: number, ms: number): void {
    this.#requests.of(route, method, CLASSES[Math.floor(status / 100)] ?? 'other').observe(ms / 1000)
  }

  /** What to tell of each call of one method of the store. */
  storeMethod(method: string): { took: Histogram; failed: Counter } {
    return { took: this.#storeCalls.of(method), failed: this.#storeFailures.of(method) }
  }

  /** One transaction. */
  committed(ms: number, writes: number): void {
    this.#commits.of().observe(ms / 1000)
    this.#writes.of().add(writes)
  }

  /** One connection too many. */
  connectionRefused(): void {
    this.#refused.of().add()
  }

  /** One command to a database that is elsewhere. */
  command(name: string): void {
    this.#commands.of(name).add()
  }

  appended(type: EntryType): void {
    this.#entries.of(type).add()
  }

  delivered(kind: Kind, ageMs: number): void {
    this.#deliveries.of(kind, 'delivered').add()
    this.#ages.of(kind).observe(ageMs / 1000)
  }

  retried(kind: Kind): void {
    this.#deliveries.of(kind, 'retried').add()
  }

  died(kind: Kind): void {
    this.#deliveries.of(kind, 'dead').add()
  }

  /** Everything, with the backlog as the store has it now and the figures of the process. */
  async text(store: Store): Promise<string> {
    const own = [
      this.#requests,
      this.#storeCalls,
      this.#storeFailures,
      this.#commits,
      this.#writes,
      this.#commands,
      this.#entries,
      this.#deliveries,
      this.#ages,
      this.#refused,
    ]
    const [backlog, runtime] = await Promise.all([backlogText(store), this.#runtime()])
    return own.map((metric) => metric.text()).join('') + backlog + (await runtime.metrics())
  }
}

/** Left out when the store does not answer: a gauge that stands still would hide it. */
async function backlogText(store: Store): Promise<string> {
  const backlog = await within(BACKLOG_MS, store.backlog()).catch(() => undefined)
  if (!backlog) return ''
  const { streams, oldest } = backlog
  const age = oldest ? Math.max(0, Date.now() - oldest.getTime()) / 1000 : 0
  return (
    gauge('plugboard_backlog_streams', 'Streams with pending deliveries.', streams) +
    gauge('plugboard_backlog_age_seconds', 'Age of the oldest entry that may be undelivered.', age)
  )
}

const gauge = (name: string, help: string, value: number): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`

const prometheus = lazyModule(() => import('prom-client'))

/** Costs 70 ms and 13 MB, so only a server that is scraped has it. */
async function loadRuntime(): Promise<Registry> {
  const { default: client } = await prometheus()
  const registry = new client.Registry()
  client.collectDefaultMetrics({ register: registry })
  return registry
}
