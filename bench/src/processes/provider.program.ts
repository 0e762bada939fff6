/** All providers on one port, as far as a message needs them: everything goes well, and nothing is kept. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PUBLIC_KEY } from '../integrations.js'
import { now } from '../statistics.js'
import type { Sent } from './provider.js'

import { answerQuestions } from './questions.js'

let sent: Sent = { count: 0, lastAt: 0 }

interface Call {
  method: string
  /** After the name of the channel, without its query. */
  path: string
  authorization: string
}

interface Reply {
  body: object
  status?: number
  isMessage?: boolean
}

/** A token of these tests ends in the id of its account. */
const accountIn = (token: string): string => /(\d+)$/.exec(token)?.[1] ?? ''
const done = { success: true }

/** What a call is answered with, by the name of the channel that its path begins with. */
const answers: Readonly<Record<string, (call: Call) => Reply>> = {
  telegram({ path }) {
    if (!path.endsWith('/sendMessage')) return { body: { ok: true, result: true } }
    const result = { message_id: sent.count + 1, date: 1, chat: { id: 1, type: 'private' } }
    return { body: { ok: true, result }, isMessage: true }
  },
  slack: ({ path }) =>
    path === '/api/chat.postMessage'
      ? { body: { ok: true, channel: 'D1', ts: '1.000001' }, isMessage: true }
      : { body: { ok: true, user_id: 'U0', bot_id: 'B0' } },
  twilio: ({ path }) =>
    path.endsWith('/Messages.json')
      ? { status: 201, body: { sid: `SM${'0'.repeat(32)}`, status: 'queued' }, isMessage: true }
      : { body: { sid: 'AC', status: 'active' } },
  teams: ({ path }) =>
    path.endsWith('/token')
      ? { body: { token_type: 'Bearer', expires_in: 3599, access_token: 'e'.repeat(1200) } }
      : { status: 201, body: { id: `${sent.count}` }, isMessage: path.endsWith('/activities') },
  vonage: ({ path }) =>
    path === '/v1/messages'
      ? { status: 202, body: { message_uuid: uuidOf(sent.count) }, isMessage: true }
      : { body: {} },
  messenger({ method, path, authorization }) {
    if (path.endsWith('/messages')) return { body: { message_id: `m_${sent.count}` }, isMessage: true }
    if (path.endsWith('/me')) return { body: { id: accountIn(authorization) } }
    if (method === 'GET') return { body: path.endsWith('/subscriptions') ? { data: [] } : { id: '1' } }
    return { body: done }
  },
  instagram({ path, authorization }) {
    if (path.endsWith('/messages')) return { body: { message_id: `m_${sent.count}` }, isMessage: true }
    if (path.endsWith('/me')) return { body: { user_id: accountIn(authorization) } }
    const renewed = { access_token: authorization.replace('Bearer ', ''), expires_in: 5_184_000 }
    return { body: path.endsWith('/refresh_access_token') ? renewed : done }
  },
  whatsapp({ method, path }) {
    if (path.endsWith('/messages'))
      return { body: { messages: [{ id: `wamid.${sent.count}` }] }, isMessage: true }
    return { body: method === 'GET' ? { id: accountIn(path) } : done }
  },
  discord({ path, authorization }) {
    const message = { id: '1442999000000000001', channel_id: '1442999000000000002' }
    if (path.endsWith('/messages')) return { body: message, isMessage: true }
    return { body: { id: accountIn(authorization), verify_key: PUBLIC_KEY, interactions_endpoint_url: null } }
  },
  smooch: ({ path }) =>
    path.endsWith('/messages')
      ? { status: 201, body: { messages: [{ id: `${sent.count}` }] }, isMessage: true }
      : { body: { app: {} } },
}

const uuidOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

const server = createServer((request, response) => {
  const { method = '', headers, url = '' } = request
  const [, channel = '', path = ''] = /^\/([a-z]+)([^?]*)/.exec(url) ?? []
  const { authorization = '' } = headers
  const {
    status = 200,
    body,
    isMessage = false,
  } = answers[channel]?.({ method, path, authorization }) ?? {
    status: 404,
    body: {},
  }
  if (isMessage) sent = { count: sent.count + 1, lastAt: now() }
  request.resume()
  request.on('end', () =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
  )
})

answerQuestions({ sent: () => sent })

server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
