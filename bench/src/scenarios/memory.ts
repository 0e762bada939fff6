import { type Client, converse, createClient, inTurn, messageRequest } from '../client.js'
import type { Figure } from '../figure.js'
import { load } from '../load.js'
import type { Plan } from '../plan.js'
import type { Memory } from '../processes/probe.js'
import { startReceiver } from '../processes/receiver.js'
import { type Server, startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'

const CONVERSATIONS = 400
const MEGABYTE = 1_000_000
/** Long enough for requests to time out, and for the target to be left alone. */
const SETTLE_MS = 12_000

/**
 * What a backlog holds of memory: as many messages before that owe nothing, so that caches are full and code is
 * compiled, then those that wait for a receiver that never answers. Each time after a full garbage collection.
 */
export const memory: Scenario = { name: 'memory', run }

async function run(plan: Plan): Promise<Figure[]> {
  const count = plan.quick ? 5000 : 50_000
  const [server, receiver] = await Promise.all([startServer(), startReceiver()])
  await postAll(server, await createClient(server.url), count)
  const before = await settled(server)
  await receiver.become('hang')
  await postAll(server, await createClient(server.url, [receiver.url]), count)
  const posted = await server.memory()
  await new Promise((resolve) => setTimeout(resolve, plan.quick ? 1000 : SETTLE_MS))
  const after = await settled(server)
  const note = `${count} wait; ${words(before)} before, ${words(posted)} when the last was taken in, ${words(after)} then`
  return [
    {
      name: 'memory, backlog adds to the heap',
      value: (after.heapBytes - before.heapBytes) / MEGABYTE,
      unit: 'MB',
      target: { below: 50 },
      note,
    },
    {
      name: 'memory, backlog adds to the process',
      value: (after.residentBytes - before.residentBytes) / MEGABYTE,
      unit: 'MB',
    },
  ]
}

async function postAll(server: Server, client: Client, count: number): Promise<void> {
  const conversations = await converse(server.url, client, CONVERSATIONS)
  const next = inTurn(conversations.map((conversation) => messageRequest(client, conversation)))
  await load({ url: server.url, next }, { count })
}

/** Asked twice, since what a first collection frees may hold what a second one can. */
async function settled(server: Server): Promise<Memory> {
  await server.memory()
  await new Promise((resolve) => setTimeout(resolve, 1000))
  return server.memory()
}

const words = ({ heapBytes, residentBytes }: Memory): string =>
  `${(heapBytes / MEGABYTE).toFixed(0)} MB heap of ${(residentBytes / MEGABYTE).toFixed(0)} MB resident`
