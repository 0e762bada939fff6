import assert from 'node:assert/strict'
import type { InboundEvent, InboundRequest, Routed } from '../../channel.js'
import { forgedForms, oddForms } from '../hostile.js'
import { accepted, type Stage, type Subject, type SuiteCase, stagedCase } from '../stage.js'

/** Any address: nothing is called here. */
const NOWHERE = 'http://127.0.0.1:9'

/** One URL for many integrations: a request is verified once, and each integration gets its own events only. */
export function sharedCases<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
): SuiteCase[] {
  const { channel, fixtures } = subject
  const { shared } = fixtures
  const configs = (url: string) => shared?.configs?.(url) ?? fixtures.configs(url)
  const staged = stagedCase(subject, configs)
  /** Runs with the recorded request as the provider signs it now. */
  const test = (name: string, play: (stage: Stage<Config, Session>, signed: InboundRequest) => unknown) => {
    const made = staged(name, async (stage) => {
      assert(shared, 'the channel has a shared URL, and the fixtures no shared request')
      assert(stage.runtime.route, 'the channel has a shared URL, and no route')
      await play(stage, shared.sign(shared.request, new Date()))
    })
    return channel.inbound?.isShared ? made : { ...made, skip: 'the channel has no shared URL' }
  }

  return [
    test('route finds the accounts of a shared request', async ({ runtime }, signed) => {
      const routed = await runtime.route?.(signed)
      assert.deepEqual(routed?.verdict, { ok: true })
      const accounts = await Promise.all(
        configs(NOWHERE).map(async (config) => channel.account?.(await accepted(channel.config, config))),
      )
      assert.deepEqual([...new Set(routed.accounts)].sort(), accounts.sort())
    }),
    test('parse gives each integration the events of its own account only', ({ runtime, ...stage }) => {
      assert(shared)
      const signed = shared.sign(shared.request, shared.recordedAt)
      const eventsOf = (integration: typeof stage.integration): InboundEvent[] =>
        runtime.parse(signed, integration).events
      assert.deepEqual([eventsOf(stage.integration), eventsOf(stage.stranger)], shared.events)
    }),
    test('route refuses a shared request of which one byte is changed', async (stage, signed) => {
      const { length } = signed.body
      for (const at of [0, Math.floor(length / 2), length - 1]) {
        const body = Buffer.from(signed.body)
        body.writeUInt8(body.readUInt8(at) ^ 1, at)
        assert.equal(await isAccepted(stage, { ...signed, body }), false, `byte ${at}`)
      }
    }),
    test('route refuses forged headers, and gives a verdict on any body, without throwing', async (stage, signed) => {
      for (const [name, forged] of forgedForms(signed))
        assert.equal(await isAccepted(stage, forged), false, name)
      for (const [, odd] of oddForms(signed)) await isAccepted(stage, odd)
      for (const [, odd] of oddForms(shared?.request ?? signed))
        await isAccepted(stage, shared?.sign(odd, new Date()) ?? odd)
    }),
    test('route refuses an old shared request, if the provider signs the time', async (stage) => {
      assert(shared)
      if (shared.hasTime === false) return
      const old = shared.sign(shared.request, new Date(Date.now() - 6 * 60_000))
      assert.equal(await isAccepted(stage, old), false)
    }),
  ]
}

async function isAccepted<Config, Session>(
  { runtime }: Stage<Config, Session>,
  request: InboundRequest,
): Promise<boolean> {
  const routed: Routed | undefined = await runtime.route?.(request)
  assert(routed, 'route is not configured by the options of the fixtures')
  assert.equal(typeof routed.verdict.ok, 'boolean')
  assert(routed.accounts.every((account) => typeof account === 'string'))
  return routed.verdict.ok
}
