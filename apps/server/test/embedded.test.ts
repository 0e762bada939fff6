import { afterAll, describe, expect, test } from 'vitest'
import { call } from './support/api.js'
import { cleanUp, startProcess, temporaryFolder } from './support/server.js'

afterAll(cleanUp)

describe('the embedded database', () => {
  test('says what is wrong when another process has the file', async () => {
    const folder = await temporaryFolder()
    const first = await startProcess({ folder })
    const second = startProcess({ folder })
    await expect(second).rejects.toThrow(/another process has \S+plugboard\.db open/)
    expect((await call(first, 'GET', '/status')).status).toBe(200)
    expect(await first.stop()).toBe(0)
    const third = await startProcess({ folder })
    expect(await third.stop()).toBe(0)
  })
})
