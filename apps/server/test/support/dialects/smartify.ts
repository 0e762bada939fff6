import { randomUUID } from 'node:crypto'
import { fromUuid, type Id, toUuid } from '@plugboard/core'
import { type Answered, call, callAdmin } from '../api.js'
import type { Dialect, Line, Side } from './dialect.js'

interface Message {
  sender: string
  text: string
  id_project: string
}

/** The business speaks as the project. */
const lineOf = ({ sender, text, id_project }: Message): Line => ({
  by: sender === id_project ? 'business' : 'person',
  text,
})

/** Smartify's API for external channels. */
export const smartify: Dialect = {
  name: 'smartify',
  async of(server, client): Promise<Side> {
    const project = fromUuid(client.id) ?? ''
    const owner = `Basic ${Buffer.from(`${client.id}:${client.token}`).toString('base64')}`
    const ask = (
      authorization: string | undefined,
      method: string,
      path: string,
      body?: object,
    ): Promise<Answered> =>
      call(server, method, `/api${path}`, {
        headers: { ...(authorization && { authorization }) },
        ...(body && { body }),
      })
    await callAdmin(server, 'PATCH', `/clients/${client.id}`, { guests: true })
    const post = (authorization: string, conversation: string, body: object) =>
      ask(authorization, 'POST', `/${project}/requests/${encodeURIComponent(conversation)}/messages`, body)
    return {
      async begin() {
        const { json } = await ask(undefined, 'POST', '/auth/signinAnonymously', { id_project: project })
        return { conversation: `support-group-${randomUUID()}`, person: json.user._id, token: json.token }
      },
      // A person of another dialect has no token here: the business says whose words they are.
      say: ({ conversation, person, token }, { by, text }) => {
        if (by === 'business') return post(owner, conversation, { text })
        return token
          ? post(token, conversation, { text })
          : post(owner, conversation, { text, sender: person })
      },
      list: ({ conversation }) => ask(owner, 'GET', `/${project}/requests/${conversation}/messages`),
      async subscribe(target) {
        const made = await ask(owner, 'POST', `/${project}/subscriptions`, {
          event: 'message.create',
          target,
        })
        if (made.status !== 200) throw new Error(`no subscription: ${made.text}`)
      },
      mistakes: ({ token = '' }) => ({
        text: () => post(token, `support-group-${randomUUID()}`, {}),
        id_project: () => ask(undefined, 'POST', '/auth/signinAnonymously', {}),
        target: () => ask(owner, 'POST', `/${project}/subscriptions`, { event: 'message.create' }),
      }),
    }
  },
  linesOf: ({ json }) => json.map(lineOf),
  lineOf({ json }) {
    const { payload, hook } = json as unknown as { payload: Message; hook: { event: string } }
    return hook.event === 'message.create' ? lineOf(payload) : undefined
  },
  placeOf: ({ conversationId, userId }) => ({
    conversation: `support-group-${toUuid(conversationId as Id)}`,
    person: userId,
  }),
  unknown: { conversation: `support-group-${randomUUID()}`, status: 404 },
  wordsOf({ json, text }) {
    const words = json?.errors?.[0]?.param ?? json?.errors?.[0] ?? json?.msg ?? json?.error
    if (typeof words !== 'string') throw new Error(`not in its form: ${text}`)
    return `${words} ${JSON.stringify(json)}`
  },
}
