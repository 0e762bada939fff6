import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

export interface PersonOptions {
  name: string
  /** Shared with the integration: signs both directions. */
  secret: string
  /** Where the channel takes messages in. */
  url: string
}

/** A person on some system of yours: speaks by signed POSTs to the generic-webhook channel, and hears by them. */
export interface Person {
  /** What the integration is configured to send to. */
  url: string
  /** Says a line; resolves with what is answered. */
  say(line: string): Promise<string>
  close(): Promise<void>
}

export async function startPerson({ name, secret, url }: PersonOptions): Promise<Person> {
  const webhook = new Webhook(secret)
  let hear: (line: string) => void = () => undefined

  const server = createServer(async (request, response) => {
    const body = await text(request)
    webhook.verify(body, request.headers as Record<string, string>)
    const { payload } = JSON.parse(body) as { payload: { text: string } }
    response.writeHead(200).end()
    hear(payload.text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async say(line) {
      const answer = new Promise<string>((resolve) => {
        hear = resolve
      })
      const body = JSON.stringify({ sender: name, thread: 'demo', payload: { type: 'text', text: line } })
      const id = `msg_${randomUUID()}`
      const now = new Date()
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
          'webhook-signature': webhook.sign(id, now, body),
        },
      })
      if (!response.ok) throw new Error(`the channel answered ${response.status}: ${await response.text()}`)
      return answer
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
