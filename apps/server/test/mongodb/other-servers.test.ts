import { rewriteAnswers } from '@plugboard/test-mongodb'
import { afterAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { createClient } from '../support/api.js'
import { startReceiver } from '../support/receiver.js'
import { newDatabase } from '../support/replicas.js'
import { cleanUp, startServer } from '../support/server.js'

afterAll(cleanUp)

describe('a server that says it has change streams, and refuses them', () => {
  test('is logged once, and all goes on by polling', async () => {
    const mongodb = await rewriteAnswers(inject('mongodbUrl') ?? '', (answer, command) => {
      const [stage] = Array.isArray(command?.pipeline) ? command.pipeline : []
      return stage?.$changeStream ? { ok: 0, code: 115, errmsg: 'not supported' } : answer
    })
    onTestFinished(() => mongodb.close())
    const env = newDatabase(mongodb.url)
    const servers = [await startServer({ env }), await startServer({ env })] as const
    const bot = await startReceiver()
    const client = await createClient(servers[0], { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    expect((await client.say(conversationId, 'hello')).status).toBe(201)
    await bot.until(() => bot.requests.length > 0)
    for (const server of servers) {
      expect(await server.stop()).toBe(0)
      expect(server.output().match(/sends no change notifications/g)).toHaveLength(1)
      expect(server.output()).not.toContain('trying again')
    }
    await bot.close()
  }, 60_000)
})
