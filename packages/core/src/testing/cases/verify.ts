import assert from 'node:assert/strict'
import type { InboundRequest, Verdict } from '../../channel.js'
import { forgedForms, oddForms } from '../hostile.js'
import { type Stage, type Subject, type SuiteCase, stagedCase } from '../stage.js'

const MINUTE_MS = 60_000

/** Only requests of the provider get in, and no request can make `verify` throw. */
export function verifyCases<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
): SuiteCase[] {
  const { recordings, sign, signatureHeaders } = subject.fixtures
  const test = stagedCase(subject)
  /** Requests as the provider would send them, this many milliseconds from now. */
  const signed = (config: Config, afterMs = 0): [string, InboundRequest][] =>
    recordings.map(({ name, request }) => [name, sign(request, config, new Date(Date.now() + afterMs))])

  return [
    test('verify accepts the requests of the provider', async (stage) => {
      for (const [name, request] of signed(stage.integration.config)) {
        assert.deepEqual(await verify(stage, request), { ok: true }, name)
      }
    }),
    test('verify refuses a body of which one byte is changed', async (stage) => {
      for (const [name, request] of signed(stage.integration.config)) {
        const { length } = request.body
        for (const at of [0, Math.floor(length / 2), length - 1]) {
          const body = Buffer.from(request.body)
          body.writeUInt8(body.readUInt8(at) ^ 1, at)
          await refuses(stage, { ...request, body }, `${name}, byte ${at}`)
        }
      }
    }),
    test('verify refuses a signature header of which one character is changed', async (stage) => {
      for (const [name, request] of signed(stage.integration.config)) {
        for (const header of signatureHeaders) {
          const value = request.headers[header]
          assert(value, `${name} is signed without ${header}`)
          const headers = { ...request.headers, [header]: changed(value) }
          await refuses(stage, { ...request, headers }, `${name}, ${header}`)
        }
      }
    }),
    test('verify refuses a request without a signature header', async (stage) => {
      for (const [name, request] of signed(stage.integration.config)) {
        for (const header of signatureHeaders) {
          const { [header]: _, ...headers } = request.headers
          const reason = await refuses(stage, { ...request, headers }, `${name}, ${header}`)
          assert.equal(reason, 'missing', `${name}, ${header}`)
        }
      }
    }),
    test('verify refuses the signature of another tenant', async (stage) => {
      for (const [name, request] of signed(stage.stranger.config)) await refuses(stage, request, name)
    }),
    test('verify refuses an old request', async (stage) => {
      for (const [name, request] of signed(stage.integration.config, -6 * MINUTE_MS)) {
        assert.equal(await refuses(stage, request, name), 'stale', name)
      }
    }),
    test('verify refuses a request from the future', async (stage) => {
      for (const [name, request] of signed(stage.integration.config, 6 * MINUTE_MS)) {
        assert.equal(await refuses(stage, request, name), 'stale', name)
      }
    }),
    test('verify refuses forged headers without throwing', async (stage) => {
      for (const [, request] of signed(stage.integration.config)) {
        for (const [name, forged] of forgedForms(request)) await refuses(stage, forged, name)
      }
    }),
    test('verify gives a verdict on any body without throwing', async (stage) => {
      const [[, request] = []] = signed(stage.integration.config)
      assert(request)
      for (const [name, odd] of oddForms(request)) {
        assert.equal(typeof (await verify(stage, odd)).ok, 'boolean', name)
      }
    }),
  ]
}

async function verify<Config, Session>(
  { runtime, integration }: Stage<Config, Session>,
  request: InboundRequest,
): Promise<Verdict> {
  return runtime.verify(request, integration)
}

async function refuses<Config, Session>(
  stage: Stage<Config, Session>,
  request: InboundRequest,
  name: string,
): Promise<string> {
  const verdict = await verify(stage, request)
  assert(!verdict.ok, `accepted: ${name}`)
  assert(['missing', 'mismatch', 'stale', 'malformed'].includes(verdict.reason), verdict.reason)
  return verdict.reason
}

function changed(text: string): string {
  const at = Math.floor(text.length / 2)
  return text.slice(0, at) + (text[at] === '1' ? '2' : '1') + text.slice(at + 1)
}
