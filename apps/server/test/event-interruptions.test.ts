import { afterAll, test } from 'vitest'
import { clientOf, createClient } from './support/api.js'
import { seeded } from './support/fault-load.js'
import { expectExactly } from './support/interruptions.js'
import { cleanUp, isSoak, startProcess } from './support/server.js'
import { wayTo } from './support/way.js'

afterAll(cleanUp)

const INTERRUPTIONS = isSoak ? 10_000 : 24

test(
  'whatever interrupts readers while 200 messages a second are posted, each ends with exactly the log',
  async () => {
    const env = { RATE_LIMIT: '0', SHUTDOWN_GRACE: '3s' }
    let server = await startProcess({ env })
    const { id, token, webhooks } = await createClient(server)
    // The server keeps its port.
    const client = clientOf(server, { id, token, webhooks })
    const way = await wayTo(() => server.url)
    const crash = async () => {
      await server.kill()
      server = await server.relaunch()
    }
    const restart = async () => {
      await server.stop()
      server = await server.relaunch()
    }
    // A start takes a second: how a server stops is tested with streams alone as well.
    const disasters = isSoak ? Array.from({ length: 40 }).flatMap(() => [crash, restart]) : [crash]
    await expectExactly({
      ...{ client, way, interruptions: INTERRUPTIONS, disasters, random: seeded(19) },
      urlOf: () => server.url,
    })
    await way.close()
  },
  isSoak ? 3_600_000 : 120_000,
)
