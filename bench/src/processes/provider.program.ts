/** Telegram, Slack and Twilio on one port, as far as a message needs them: everything goes well, and nothing is kept. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { now } from '../statistics.js'
import type { Sent } from './provider.js'
import { answerQuestions } from './questions.js'

let sent: Sent = { count: 0, lastAt: 0 }

/** What a call is answered with. */
function answerTo(path: string): { status: number; body: object; isMessage?: boolean } {
  if (path === '/api/chat.postMessage')
    return { status: 200, body: { ok: true, channel: 'D1', ts: '1.000001' }, isMessage: true }
  if (path.startsWith('/api/')) return { status: 200, body: { ok: true, user_id: 'U0', bot_id: 'B0' } }
  if (path.endsWith('/sendMessage')) {
    const result = { message_id: sent.count + 1, date: 1, chat: { id: 1, type: 'private' } }
    return { status: 200, body: { ok: true, result }, isMessage: true }
  }
  if (path.startsWith('/bot')) return { status: 200, body: { ok: true, result: true } }
  if (path.endsWith('/Messages.json'))
    return { status: 201, body: { sid: `SM${'0'.repeat(32)}`, status: 'queued' }, isMessage: true }
  return { status: 200, body: { sid: 'AC', status: 'active' } }
}

const server = createServer((request, response) => {
  const { status, body, isMessage = false } = answerTo(request.url ?? '')
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
