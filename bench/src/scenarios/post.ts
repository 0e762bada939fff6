import { converse, createClient, messageRequest } from '../client.js'
import { comparison } from '../compare.js'
import { contender, type Stage } from '../contender.js'
import { startFloor } from '../processes/floor.js'
import { startServer } from '../processes/server.js'
import { versusFloor } from '../scenario.js'

/** Messages of a person to one conversation, of a client without webhooks. */
export const post = versusFloor('post', stage, (sides) => {
  const { p50, p99 } = sides.server
  return [
    comparison('post, one conversation', sides, 0.6),
    {
      name: 'post, p99 of p50',
      value: p99 / p50,
      unit: '×',
      target: { below: 5 },
      note: `floor ${(sides.floor.p99 / sides.floor.p50).toFixed(1)}×`,
    },
  ]
})

async function stage(): Promise<Stage> {
  const [server, floor] = await Promise.all([startServer(), startFloor()])
  const client = await createClient(server.url)
  const [conversation] = await converse(server.url, client, 1)
  if (!conversation) throw new Error('no conversation')
  const request = messageRequest(client, conversation)
  const next = () => request
  return { server: contender(server, next), floor: contender(floor, next) }
}
