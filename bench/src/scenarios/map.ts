import { type Client, createClient, inTurn } from '../client.js'
import { comparison } from '../compare.js'
import { type RawRequest, rawRequest } from '../connection.js'
import { contender, type Stage } from '../contender.js'
import { load } from '../load.js'
import { startFloor } from '../processes/floor.js'
import { startServer } from '../processes/server.js'
import { versusFloor } from '../scenario.js'

const KNOWN = 1000

/** Addresses that were never seen: each makes a user, a conversation and an endpoint. */
export const mapNew = versusFloor(
  'map',
  () => stage((client) => fresh(client)),
  (sides) => [comparison('map, new address', sides, 0.35)],
)

/** Addresses that are known. */
export const mapKnown = versusFloor(
  'map-known',
  async () => {
    const known = (client: Client) => {
      const next = fresh(client)
      return Array.from({ length: KNOWN }, next)
    }
    return stage((client) => inTurn(known(client)), KNOWN)
  },
  (sides) => [comparison('map, known address', sides)],
)

async function stage(requests: (client: Client) => () => RawRequest, toMake = 0): Promise<Stage> {
  const [server, floor] = await Promise.all([startServer(), startFloor()])
  const client = await createClient(server.url)
  const next = requests(client)
  if (toMake > 0) await load({ url: server.url, next }, { count: toMake })
  return { server: contender(server, next), floor: contender(floor, next) }
}

/** Requests that differ in a number of fixed width, so that the rest need be written once. */
function fresh({ headers }: Client): () => RawRequest {
  const mark = 'N'.repeat(12)
  const endpoint = { channel: 'bench', identity: 'bot', sender: `sender-${mark}`, thread: `thread-${mark}` }
  const text = rawRequest('POST', '/api/v1/endpoints/map', headers, endpoint).toString('latin1')
  const [head = '', middle = '', tail = ''] = text.split(mark)
  let count = 0
  return () => {
    count += 1
    const number = String(count).padStart(mark.length, '0')
    return head + number + middle + number + tail
  }
}
