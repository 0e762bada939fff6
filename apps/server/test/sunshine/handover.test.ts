import { fromUuid } from '@plugboard/core'
import { afterAll, expect, test } from 'vitest'
import { createClient } from '../support/api.js'
import { newSecret, tell, webhookChannel } from '../support/person.js'
import { startReceiver } from '../support/receiver.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { newKey, officialClient } from '../support/sunshine.js'
import { startProgram } from './program.js'

const TRIGGERS = ['conversation:message:delivery:channel', 'conversation:message:delivery:failure']

const server = sharedServer()

afterAll(cleanUp)

/** A person on the webhook channel, whose side responds like this, and a program that receives delivery events. */
async function setUp(answer: () => number) {
  const [person, bot] = [await startReceiver(answer), await startReceiver()]
  const secret = newSecret()
  const client = await createClient(server, {
    channels: webhookChannel(person.url, secret),
    webhooks: [{ url: bot.url }],
  })
  const api = officialClient(server, await newKey(server, { app: fromUuid(client.id) ?? '' }))
  const program = await startProgram(api, TRIGGERS)
  await tell(server, { client: client.id, secret }, { sender: 'ann', payload: { type: 'text', text: 'hi' } })
  await bot.until(() => bot.ofType('message.new').length > 0)
  const { conversationId = '', userId = '' } = (bot.ofType('message.new')[0]?.json.data ?? {}) as Record<
    string,
    string
  >
  const [id, user] = [fromUuid(conversationId), fromUuid(userId)]
  const reply = async (text: string) =>
    (await api.postMessage(id, { author: { type: 'business' }, content: { type: 'text', text } })).messages[0]
  return { bot, program, id, user, reply }
}

test('a program hears that the channel took a message, once for each and in order', async () => {
  const { bot, program, id, user, reply } = await setUp(() => 200)
  const messages = [await reply('one'), await reply('two')]
  await program.event(messages.length)
  expect(program.events()).toMatchObject(
    messages.map((message) => ({
      type: 'conversation:message:delivery:channel',
      payload: {
        message: { id: message.id },
        conversation: { id },
        user: { id: user },
        destination: { type: 'webhook', integrationId: expect.any(String) },
        isFinalEvent: false,
      },
    })),
  )
  // Bots of the Messaging API look it up.
  expect(bot.ofType('conversation.activity')).toEqual([])
})

test('a program hears that a message could not be delivered, and why', async () => {
  const { program, reply } = await setUp(() => 400)
  const message = await reply('no')
  expect(await program.event()).toMatchObject({
    type: 'conversation:message:delivery:failure',
    payload: {
      message: { id: message.id },
      isFinalEvent: true,
      error: { code: 'invalid', message: expect.stringContaining('400') },
    },
  })
})
