import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient, receiveWebhook } from '@plugboard/client'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { repository } from './support/visit.js'

const readme = readFileSync(join(repository, 'packages/client/README.md'), 'utf8')

/** Calls of the table, such as `messages.get`, with their parameters, and whether they are marked with ●. */
const calls = Array.from(
  readme.matchAll(/^\| `([\w.]+)\((.*?)\)`( ●)? +\|/gm),
  ([, name = '', parameters = '', mark]) => ({ name, parameters, isMarked: mark !== undefined }),
)

/** A client whose server answers everything with an empty object, and the requests that it made. */
function recorded() {
  const requests: Headers[] = []
  const client = createClient({
    url: 'http://127.0.0.1:1',
    clientId: 'c',
    clientToken: 't',
    fetch: async (_, { headers }) => {
      requests.push(new Headers(headers))
      return Response.json({})
    },
  })
  return { client, requests }
}

type Call = (...parameters: unknown[]) => unknown

/** All calls of a client by their names. */
const callsOf = (client: object, prefix = ''): [string, Call][] =>
  Object.entries(client).flatMap(([name, value]: [string, unknown]): [string, Call][] =>
    typeof value === 'function' ? [[prefix + name, value as Call]] : callsOf(Object(value), `${name}.`),
  )

test('the README of the client lists every call', () => {
  const names = callsOf(recorded().client).map(([name]) => name)
  expect(calls.map(({ name }) => name).sort()).toEqual(names.sort())
})

/** These send nothing before they are iterated, or one request after another. */
const lasting = ['messages.iterate', 'events', 'pull']

test.each(calls.filter(({ name }) => !lasting.includes(name)))(
  '$name sends an Idempotency-Key only if the README says so',
  async ({ name, parameters, isMarked }) => {
    const { client, requests } = recorded()
    const [, call] = callsOf(client).find(([each]) => each === name) ?? []
    await call?.(...(parameters === '' ? [] : [parameters.startsWith('{') ? {} : 'x']))
    expect(requests.map((headers) => headers.has('idempotency-key'))).toEqual([isMarked])
  },
)

test('the README of the client lists every type of event that it knows', async () => {
  const source = readFileSync(join(repository, 'packages/client/src/events.ts'), 'utf8')
  const known = Array.from(source.matchAll(/^ {2}'([a-z.]+)': \(data\)/gm), ([, type]) => type)
  const listed = Array.from(readme.matchAll(/^\| `([a-z]+\.[a-z]+)` +\|/gm), ([, type]) => type)
  expect(listed.filter((type) => type !== 'event.type').sort()).toEqual(known.sort())
})

test('an event of another type comes unchanged, as the README says', async () => {
  const [token, at] = [Buffer.from('secret of a webhook').toString('base64'), new Date()]
  const body = JSON.stringify({ type: 'acme.new', data: [1] })
  const headers = {
    'webhook-id': 'e1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(token).sign('e1', at, body),
  }
  expect(await receiveWebhook({ headers, body }, { token })).toEqual({
    id: 'e1',
    type: 'acme.new',
    data: [1],
  })
})
