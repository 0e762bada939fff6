import { Connection, type RawRequest } from './connection.js'
import { cpuMs } from './processes/questions.js'

/** Where requests go, and which. */
export interface Load {
  url: string
  /** The next request, asked for each time that a connection is free. */
  next(): RawRequest
  /** Default: 32. */
  connections?: number
}

export interface Sample {
  answers: number
  ms: number
  /** Answers in a second. */
  rate: number
  /** Of each request, in milliseconds. */
  latencies: number[]
  /** Share of the time that this process was busy: near 1 it is the generator that is measured. */
  generatorLoad: number
}

const CONNECTIONS = 32

/**
 * Keeps each connection busy with one request after another, for a time or a number of requests.
 * @throws Error when an answer is none of success, or a connection breaks: then there is nothing to measure
 */
export async function load(
  { url, next, connections: width = CONNECTIONS }: Load,
  until: { ms: number } | { count: number },
): Promise<Sample> {
  const connections = await Promise.all(Array.from({ length: width }, () => Connection.open(url)))
  const latencies: number[] = []
  let left = 'count' in until ? until.count : Number.POSITIVE_INFINITY
  const cpuBefore = cpuMs()
  const start = performance.now()
  const end = 'ms' in until ? start + until.ms : Number.POSITIVE_INFINITY
  try {
    await Promise.all(
      connections.map(
        (connection) =>
          new Promise<void>((resolve, reject) => {
            connection.onError = reject
            step(connection, resolve, reject)
          }),
      ),
    )
  } finally {
    for (const connection of connections) connection.close()
  }
  const ms = (Number.isFinite(end) ? end : performance.now()) - start
  const rate = (latencies.length / ms) * 1000
  return { answers: latencies.length, ms, rate, latencies, generatorLoad: (cpuMs() - cpuBefore) / ms }

  function step(connection: Connection, resolve: () => void, reject: (error: Error) => void): void {
    if (left === 0 || performance.now() >= end) return resolve()
    left -= 1
    const sentAt = performance.now()
    connection.exchange(next(), (status) => {
      const at = performance.now()
      if (status < 200 || status > 299) return reject(new Error(`${url} answered ${status}`))
      // What is answered after the end belongs to no slice.
      if (at <= end) latencies.push(at - sentAt)
      step(connection, resolve, reject)
    })
  }
}
