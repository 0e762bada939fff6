import { readdirSync, readFileSync } from 'node:fs'
import { degrade, type JsonObject, silentLogger } from '@plugboard/core'
import { fakeProvider, memoryState } from '@plugboard/core/testing'
import { describe, expect, test } from 'vitest'
import { answerOf } from '../test/fake-acme-chat.js'
import { connect } from './api.js'
import channel from './index.js'

/** A content as a bot posts it, and the messages that Acme Chat is asked for: these files are documentation too. */
interface Sample {
  content: JsonObject
  messages: JsonObject[]
}

const folder = new URL('./fixtures/outbound/', import.meta.url)

/** Sends a content as the host does, and returns the requests to Acme Chat. */
async function messagesFor(content: JsonObject): Promise<unknown[]> {
  const provider = await fakeProvider({ answer: answerOf })
  try {
    const { render, deliver } = await channel.load({
      options: { apiUrl: provider.url },
      logger: silentLogger,
      fetch,
    })
    const config = { botId: 'bot_1', apiToken: 'a-token', signingSecret: 'a-secret' }
    const integration = {
      clientId: 'client-1',
      id: 'integration-1',
      name: 'main',
      config,
      session: connect(config),
    }
    const endpoint = { identity: 'bot_1', sender: 'ada', thread: 'room-7' }
    const signal = AbortSignal.timeout(5000)
    const contents = degrade(content, channel.capabilities)?.contents ?? []
    for (const [i, part] of contents.flatMap((each) => render(each, endpoint)).entries()) {
      await deliver(part, {
        integration,
        endpoint,
        state: memoryState(),
        webhookUrl: '',
        deliveryId: `delivery-${i}`,
        signal,
      })
    }
    return provider.calls.map(({ body }) => JSON.parse(body))
  } finally {
    await provider.close()
  }
}

describe('a content becomes the messages of its fixture', () => {
  test.each(readdirSync(folder))('%s', async (name) => {
    const { content, messages }: Sample = JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
    expect(await messagesFor(content)).toEqual(messages.map((message) => ({ chat: 'room-7', ...message })))
  })
})

test('a text over the limit becomes several messages', async () => {
  const messages = await messagesFor({ type: 'text', text: 'a few words. '.repeat(500) })
  expect(messages).toHaveLength(2)
})
