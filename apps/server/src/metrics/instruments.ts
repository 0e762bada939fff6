/** What is counted under one combination of label values. */
interface Series {
  /** Lines of the Prometheus text format; `labels` is `a="b",c="d"` or empty. */
  lines(name: string, labels: string): string[]
}

export class Counter implements Series {
  #value = 0

  add(amount = 1): void {
    this.#value += amount
  }

  lines(name: string, labels: string): string[] {
    return [`${name}${braces(labels)} ${this.#value}`]
  }
}

/** A histogram of seconds. */
export class Histogram implements Series {
  readonly #bounds: readonly number[]
  readonly #counts: Float64Array
  #count = 0
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length)
  }

  observe(seconds: number): void {
    const bucket = this.#bounds.findIndex((bound) => seconds <= bound)
    if (bucket >= 0) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#count += 1
    this.#sum += seconds
  }

  lines(name: string, labels: string): string[] {
    const bucket = (bound: number | string, count: number): string =>
      `${name}_bucket${braces(labels === '' ? `le="${bound}"` : `${labels},le="${bound}"`)} ${count}`
    let below = 0
    const buckets = this.#bounds.map((bound, i) => {
      below += this.#counts[i] ?? 0
      return bucket(bound, below)
    })
    const tail = [
      `${name}_sum${braces(labels)} ${this.#sum}`,
      `${name}_count${braces(labels)} ${this.#count}`,
    ]
    return [...buckets, bucket('+Inf', this.#count), ...tail]
  }
}

const braces = (labels: string): string => (labels === '' ? '' : `{${labels}}`)

/**
 * A metric with its series. It does what the hot path needs and no more: an observation costs a tenth of one by
 * prom-client, which is loaded at the first scrape.
 */
export class Metric<S extends Series> {
  readonly #head: string
  readonly #name: string
  readonly #labels: readonly string[]
  readonly #create: () => S
  readonly #series = new Map<string, S>()

  constructor(
    { name, help, type, labels }: { name: string; help: string; type: string; labels: readonly string[] },
    create: () => S,
  ) {
    this.#head = `# HELP ${name} ${help}\n# TYPE ${name} ${type}`
    this.#name = name
    this.#labels = labels
    this.#create = create
  }

  /** The series of these label values, in the order of the labels. */
  of(...values: readonly string[]): S {
    const key = values.join('\n')
    const known = this.#series.get(key)
    if (known) return known
    const series = this.#create()
    this.#series.set(key, series)
    return series
  }

  text(): string {
    const lines = [...this.#series].flatMap(([key, series]) => series.lines(this.#name, this.#labelText(key)))
    return [this.#head, ...lines, ''].join('\n')
  }

  #labelText(key: string): string {
    const values = key.split('\n')
    return this.#labels.map((label, i) => `${label}="${escapeValue(values[i] ?? '')}"`).join(',')
  }
}

const escapeValue = (value: string): string => value.replace(/["\\]/g, '\\$&')
