import type { InboundRequest } from '@plugboard/core'
import { channelSuite, type ProviderCall, readRecordings, usualOutcomes } from '@plugboard/core/testing'
import { Webhook } from 'standardwebhooks'
import { test } from 'vitest'
import type { Config } from './config.js'
import { webhook } from './index.js'

const key = (letter: string) => `whsec_${Buffer.alloc(32, letter).toString('base64')}`
const valid = { url: 'https://acme.example/hook', secret: key('a') }

/** As a sender does it that has never seen our code. */
function sign(request: InboundRequest, { secret }: Config, at: Date): InboundRequest {
  const id = request.headers['webhook-id'] ?? ''
  const signature = new Webhook(secret).sign(id, at, Buffer.from(request.body))
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const headers = { ...request.headers, 'webhook-timestamp': timestamp, 'webhook-signature': signature }
  return { ...request, headers }
}

/** As a receiver does it. */
function isFrom(call: ProviderCall, { secret }: Config): boolean {
  try {
    new Webhook(secret).verify(call.body, call.headers as Record<string, string>)
    return true
  } catch {
    return false
  }
}

const cases = channelSuite({
  channel: webhook,
  fixtures: {
    configs: (url) => [
      { url: `${url}/a`, secret: key('a'), previousSecret: key('b') },
      { url: `${url}/b`, secret: key('c'), previousSecret: key('d') },
    ],
    invalidConfigs: {
      'no url': { secret: valid.secret },
      'no secret': { url: valid.url },
      'a url that is none': { ...valid, url: 'acme' },
      'a url of another kind': { ...valid, url: 'file:///etc/passwd' },
      'a url with a password': { ...valid, url: 'https://ada:hunter2hunter2@acme.example' },
      'a secret that is too short': { ...valid, secret: Buffer.alloc(23).toString('base64') },
      'a secret that is no base64': { ...valid, secret: 'whsec_correct horse battery staple, again!' },
      'a previous secret that is empty': { ...valid, previousSecret: '' },
      'changes that are no boolean': { ...valid, changes: 'yes' },
      'an unknown field': { ...valid, sceret: valid.secret },
    },
    recordings: readRecordings(new URL('./fixtures/inbound/', import.meta.url)),
    sign,
    signatureHeaders: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
    provider: {
      answer: (call) => ({ body: JSON.stringify({ id: `theirs of ${call.headers['webhook-id']}` }) }),
      isFrom,
      idempotencyKey: (call) => call.headers['webhook-id']?.toString(),
    },
    outcomes: { ...usualOutcomes, truncated: 'sent', endless: 'sent', garbage: 'sent' },
    entry: new URL('../dist/index.js', import.meta.url),
    lazy: ['standardwebhooks'],
  },
})

for (const { name, run, skip } of cases) test(name, (context) => (skip ? context.skip(skip) : run()))
