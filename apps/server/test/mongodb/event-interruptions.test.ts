import { afterAll, beforeAll, describe, test } from 'vitest'
import { createClient } from '../support/api.js'
import { seeded } from '../support/fault-load.js'
import { expectExactly } from '../support/interruptions.js'
import { newDatabase, usualTopologies } from '../support/replicas.js'
import {
  cleanUp,
  isSoak,
  SHORT_LEASE,
  startProcess,
  startServer,
  type TestServer,
  type TestServerProcess,
} from '../support/server.js'
import { wayTo } from '../support/way.js'

afterAll(cleanUp)

const INTERRUPTIONS = isSoak ? 2_000 : 20
const CRASHES = isSoak ? 10 : 1

describe.each(usualTopologies())('two replicas on one database, %s', (_, mongodbUrl) => {
  let steady: TestServer
  let crashing: TestServerProcess
  beforeAll(async () => {
    const env = { ...newDatabase(mongodbUrl()), ...SHORT_LEASE, RATE_LIMIT: '0' }
    steady = await (isSoak ? startProcess : startServer)({ env })
    crashing = await startProcess({ env })
  }, 60_000)

  test(
    'give each reader exactly the log, at whichever it comes out, also after a crash',
    async () => {
      const random = seeded(20)
      const client = await createClient(steady)
      const any = () => (random() < 0.5 ? steady : crashing).url
      const way = await wayTo(any)
      // After the last crash it need not be a process.
      const disasters = Array.from({ length: CRASHES }, (_, crash) => async () => {
        await crashing.kill()
        if (crash < CRASHES - 1) crashing = await crashing.relaunch()
        else await crashing.restart()
      })
      await expectExactly({ client, way, urlOf: any, interruptions: INTERRUPTIONS, disasters, random })
      await way.close()
    },
    isSoak ? 3_600_000 : 120_000,
  )
})
