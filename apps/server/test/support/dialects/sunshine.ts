import { fromUuid, newId } from '@plugboard/core'
import { type Answered, call } from '../api.js'
import { basic, newKey } from '../sunshine.js'
import type { Dialect, Line, Side } from './dialect.js'

interface Message {
  author: { type: string }
  content: { text: string }
}

const lineOf = ({ author, content: { text } }: Message): Line => ({
  by: author.type === 'user' ? 'person' : 'business',
  text,
})

/** The Sunshine Conversations API. */
export const sunshine: Dialect = {
  name: 'sunshine-v2',
  async of(server, client): Promise<Side> {
    const appId = fromUuid(client.id) ?? ''
    const key = await newKey(server, { app: appId })
    const ask = (method: string, path: string, body?: object): Promise<Answered> =>
      call(server, method, `/v2/apps/${appId}${path}`, {
        headers: { authorization: basic(key) },
        ...(body && { body }),
      })
    const post = (id: string, body: object) => ask('POST', `/conversations/${id}/messages`, body)
    return {
      async begin() {
        const { json } = await ask('POST', '/users', {})
        const participants = [{ userId: json.user.id }]
        const made = await ask('POST', '/conversations', { type: 'personal', participants })
        return { conversation: made.json.conversation.id, person: json.user.id }
      },
      say: ({ conversation, person }, { by, text }) =>
        post(conversation, {
          author: by === 'person' ? { type: 'user', userId: person } : { type: 'business' },
          content: { type: 'text', text },
        }),
      list: ({ conversation }) => ask('GET', `/conversations/${conversation}/messages`),
      async subscribe(target) {
        const webhooks = [{ target, triggers: ['conversation:message'] }]
        const made = await ask('POST', '/integrations', { type: 'custom', displayName: 'test', webhooks })
        if (made.status !== 201) throw new Error(`no integration: ${made.text}`)
      },
      mistakes: ({ conversation, person }) => ({
        author: () => post(conversation, { content: { type: 'text', text: 'x' } }),
        content: () => post(conversation, { author: { type: 'business' } }),
        userId: () => post(conversation, { author: { type: 'user' }, content: { type: 'text', text: 'x' } }),
        type: () =>
          post(conversation, { author: { type: 'user', userId: person }, content: { type: 'dance' } }),
      }),
    }
  },
  linesOf: ({ json }) => json.messages.map(lineOf),
  lineOf({ json }) {
    const [event] =
      (json as unknown as { events?: { type: string; payload: { message: Message } }[] }).events ?? []
    return event?.type === 'conversation:message' ? lineOf(event.payload.message) : undefined
  },
  placeOf: ({ conversationId, userId }) => ({ conversation: conversationId, person: userId }),
  unknown: { conversation: newId(), status: 404 },
  wordsOf({ json, text }) {
    const [{ code, title } = { code: undefined, title: undefined }] = json?.errors ?? []
    if (typeof code !== 'string' || typeof title !== 'string') throw new Error(`not the envelope: ${text}`)
    return title
  },
}
