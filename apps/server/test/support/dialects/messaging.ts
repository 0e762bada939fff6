import { type Id, newId, toUuid } from '@plugboard/core'
import { call } from '../api.js'
import type { Dialect, Line, Side } from './dialect.js'

interface Message {
  authorId?: string | null
  payload: { text: string }
}

const lineOf = ({ authorId, payload: { text } }: Message): Line => ({
  by: authorId ? 'person' : 'business',
  text,
})

/** The Messaging API. */
export const messaging: Dialect = {
  name: 'messaging-v1',
  async of(server, client): Promise<Side> {
    const webhooks: { url: string }[] = []
    return {
      async begin() {
        const { userId, conversationId } = await client.converse()
        return { conversation: conversationId, person: userId }
      },
      say: ({ conversation, person }, { by, text }) =>
        client.say(conversation, text, by === 'person' ? person : undefined),
      list: ({ conversation }) => client.call('GET', `/messages/conversation/${conversation}?limit=100`),
      async subscribe(url) {
        webhooks.push({ url })
        const { id, token } = client
        const { status } = await call(server, 'POST', '/api/v1/sync', { body: { id, token, webhooks } })
        if (status !== 200) throw new Error(`sync answered ${status}`)
      },
      mistakes: ({ conversation, person: authorId }) => ({
        conversationId: () => client.call('POST', '/messages', { authorId, payload: { text: 'x' } }),
        payload: () => client.call('POST', '/messages', { conversationId: conversation, payload: 'x' }),
        authorId: () =>
          client.call('POST', '/messages', {
            conversationId: conversation,
            authorId: 1,
            payload: { text: 'x' },
          }),
      }),
    }
  },
  linesOf: ({ json }) => json.map(lineOf).reverse(),
  lineOf: ({ json }) =>
    json.type === 'message.new' ? lineOf(json.data.message as unknown as Message) : undefined,
  placeOf: ({ conversationId, userId }) => ({
    conversation: toUuid(conversationId as Id),
    person: toUuid(userId as Id),
  }),
  unknown: { conversation: toUuid(newId()), status: 404 },
  wordsOf({ headers, text }) {
    if (!headers.get('content-type')?.startsWith('text/plain')) throw new Error(`no plain text: ${text}`)
    return text
  },
}
