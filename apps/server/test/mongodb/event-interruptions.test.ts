import { afterAll, beforeAll, describe, test } from 'vitest'
import { clientOf, createClient } from '../support/api.js'
import { seeded } from '../support/fault-load.js'
import { expectExactly } from '../support/interruptions.js'
import { newDatabase, startReplicaProcesses, usualTopologies } from '../support/replicas.js'
import { cleanUp, isSoak, SHORT_LEASE, type TestServerProcess } from '../support/server.js'
import { wayTo } from '../support/way.js'

afterAll(cleanUp)

const INTERRUPTIONS = isSoak ? 2_000 : 20

describe.each(usualTopologies())('two replicas on one database, %s', (_, mongodbUrl) => {
  let servers: TestServerProcess[]
  beforeAll(async () => {
    servers = await startReplicaProcesses(2, {
      ...newDatabase(mongodbUrl()),
      ...SHORT_LEASE,
      RATE_LIMIT: '0',
    })
  }, 60_000)

  test(
    'give each reader exactly the log, at whichever it comes out, also after a crash',
    async () => {
      const random = seeded(20)
      const [one] = servers as [TestServerProcess]
      const { id, token, webhooks } = await createClient(one)
      const client = clientOf(one, { id, token, webhooks })
      const any = () => (servers[random() < 0.5 ? 0 : 1] as TestServerProcess).url
      const way = await wayTo(any)
      const crash = async () => {
        await servers[1]?.kill()
        servers[1] = (await servers[1]?.relaunch()) as TestServerProcess
      }
      const disasters = Array.from({ length: isSoak ? 10 : 1 }, () => crash)
      await expectExactly({ client, way, urlOf: any, interruptions: INTERRUPTIONS, disasters, random })
      await way.close()
    },
    isSoak ? 3_600_000 : 120_000,
  )
})
