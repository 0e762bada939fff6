import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { converse, createClient, messageRequest } from '../client.js'
import { Connection, type RawRequest } from '../connection.js'
import type { Figure } from '../figure.js'
import { load } from '../load.js'
import type { Plan } from '../plan.js'
import { startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'
import { percentile, sorted } from '../statistics.js'

const EVERY_MS = 20
const WARM_UP = 50
const PATIENCE_MS = 10_000

/** From the 201 to the webhook on a server with nothing else to do: one process posts and receives, by one clock. */
export const latency: Scenario = { name: 'latency', run }

async function run(plan: Plan): Promise<Figure[]> {
  const receiver = await listen()
  try {
    const server = await startServer()
    const client = await createClient(server.url, [receiver.url])
    const [conversation] = await converse(server.url, client, 1)
    if (!conversation) throw new Error('no conversation')
    const connection = await Connection.open(server.url)
    const request = messageRequest(client, conversation)
    await load({ url: server.url, next: () => request }, { count: plan.warmUp / 5 })
    await receiver.quiet()
    const times: Times[] = []
    for (let i = 0; i < WARM_UP + (plan.quick ? 150 : 500); i += 1) {
      times.push(await once(connection, request, receiver))
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
    }
    connection.close()
    return figuresOf(times.slice(WARM_UP))
  } finally {
    receiver.close()
  }
}

interface Times {
  sent: number
  answered: number
  received: number
}

async function once(connection: Connection, request: RawRequest, receiver: Listening): Promise<Times> {
  const received = receiver.next()
  const sent = performance.now()
  const answered = await new Promise<number>((resolve, reject) => {
    connection.onError = reject
    connection.exchange(request, (status) =>
      status === 201 ? resolve(performance.now()) : reject(new Error(`the server answered ${status}`)),
    )
  })
  return { sent, answered, received: await received }
}

/** A delivery may be there before the 201 is: it counts with the time below zero that it has. */
function figuresOf(times: readonly Times[]): Figure[] {
  const after = sorted(times.map(({ answered, received }) => received - answered))
  const whole = sorted(times.map(({ sent, received }) => received - sent))
  const [p50, p99] = [percentile(after, 0.5), percentile(after, 0.99)]
  const note = `of ${times.length}; from the post ${percentile(whole, 0.5).toFixed(2)} ms at p50, ${percentile(whole, 0.99).toFixed(2)} ms at p99`
  return [
    { name: '201 to webhook, p50', value: p50, unit: 'ms', target: { below: 1 }, note },
    { name: '201 to webhook, p99', value: p99, unit: 'ms', target: { below: 4 } },
  ]
}

interface Listening {
  url: string
  /** When the next request is there. */
  next(): Promise<number>
  /** Waits until nothing has come for a while. */
  quiet(): Promise<void>
  close(): void
}

async function listen(): Promise<Listening> {
  let lastAt = 0
  let tell: ((at: number) => void) | undefined
  const server = createServer((request, response) => {
    lastAt = performance.now()
    tell?.(lastAt)
    request.resume()
    request.on('end', () => response.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: () =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('no webhook came')), PATIENCE_MS)
        tell = (at) => {
          clearTimeout(timer)
          resolve(at)
        }
      }),
    async quiet() {
      do await new Promise((resolve) => setTimeout(resolve, 300))
      while (performance.now() - lastAt < 300)
    },
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
