import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from './support/api.js'
import { cleanUp, startProcess, type TestServerProcess } from './support/server.js'
import { basic, newKey } from './support/sunshine.js'

let server: TestServerProcess
beforeAll(async () => {
  server = await startProcess()
})
afterAll(cleanUp)

/** Lets the server write no file beyond this many bytes, as on a full disk. Needs no rights; Linux alone has it. */
const limitFiles = (bytes: number | 'unlimited') =>
  promisify(execFile)('prlimit', ['--pid', String(server.pid), `--fsize=${bytes}:`])

describe.skipIf(process.platform !== 'linux')('a server whose disk is full', () => {
  test('says so, keeps no half of a file, and goes on when there is room again', async () => {
    const key = await newKey(server)
    const upload = async (bytes: number) => {
      const form = new FormData()
      form.append('source', new Blob([Buffer.alloc(bytes, 'x')]), 'file.txt')
      const response = await fetch(`${server.url}/v2/apps/${key.appId}/attachments?access=public`, {
        method: 'POST',
        body: form,
        headers: { authorization: basic(key) },
      })
      return { status: response.status, text: await response.text() }
    }
    const ready = async () => {
      const { status, json } = await call(server, 'GET', '/readyz')
      return { status, problems: json.problems }
    }
    const user = () =>
      call(server, 'POST', `/v2/apps/${key.appId}/users`, {
        body: { externalId: crypto.randomUUID() },
        headers: { authorization: basic(key) },
      })
    expect((await upload(200_000)).status).toBe(201)
    expect((await ready()).status).toBe(200)

    await limitFiles(65_536)
    const refused = await upload(200_000)
    expect(refused.status).toBe(507)
    expect(JSON.parse(refused.text).errors[0]).toEqual({
      code: 'insufficient_storage',
      title: 'the disk for files is full',
    })
    await expect.poll(ready, { timeout: 10_000 }).toEqual({
      status: 503,
      problems: ['the disk for the database is full', 'the disk for files of clients is full'],
    })
    expect((await user()).status).toBeOneOf([503, 507])
    expect((await call(server, 'GET', '/status')).text).toBe('OK')

    await limitFiles('unlimited')
    expect((await upload(200_000)).status).toBe(201)
    expect((await user()).status).toBe(201)
    await expect.poll(ready, { timeout: 10_000 }).toEqual({ status: 200, problems: [] })
  })
})
