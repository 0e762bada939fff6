import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import type { ReadableStream } from 'node:stream/web'
import type { CallContext } from '../../channel.js'
import type { Json } from '../../json.js'
import { isStorable } from '../../json.js'
import { type Fault, fakeProvider } from '../fake-provider.js'
import { accepted, type Stage, type Subject, type SuiteCase, stagedCase, WEBHOOK_URL } from '../stage.js'
import { textPart } from './deliver.js'
import { deepFreeze, limitSamples, named, samplesFor } from './render.js'
import { formsOf } from './secrecy.js'

/** Any address: nothing is called here. */
const NOWHERE = 'http://127.0.0.1:9'

/** What a channel can do beside messages. A channel that lacks a member keeps its rules. */
export function optionalCases<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
): SuiteCase[] {
  const { channel, fixtures } = subject
  const test = stagedCase(subject)
  const openFile = test('openMedia gives the file, with the credentials of the tenant', async (stage) => {
    const { runtime, provider } = stage
    const file = fixtures.file
    assert(file && runtime.openMedia, 'there is a file, and no openMedia')
    const { body, mime, size } = await runtime.openMedia(file.ref, contextOf(stage))
    assert.equal(await text(body as ReadableStream), file.body)
    assert(mime === undefined || /^[\w.+-]+\/[\w.+-]+/.test(mime), `mime ${mime}`)
    assert(size === undefined || size === Buffer.byteLength(file.body), `size ${size}`)
    const calls = provider.calls.filter((call) => fixtures.provider.isFrom(call, stage.integration.config))
    assert(calls.length > 0, 'no call with the credentials')
  })
  const accountCase: SuiteCase = {
    name: 'account is text, the same each time, and holds no secret',
    run: async () => {
      for (const given of fixtures.configs(NOWHERE)) {
        const config = await accepted(channel.config, given)
        const account = channel.account?.(config)
        if (account === undefined) continue
        assert(typeof account === 'string' && account !== '' && isStorable(account), `account ${account}`)
        assert.equal(channel.account?.(structuredClone(config)), account)
        const secrets = channel.secrets.flatMap((field) => formsOf(config, field))
        assert(!secrets.some((secret) => account.includes(secret)), 'a secret is in the account')
      }
    },
  }
  const setupCase: SuiteCase = {
    name: 'setup says what to do, with the address where the provider calls',
    run: async () =>
      assert((await channel.setup?.(WEBHOOK_URL, 'webhook'))?.includes(WEBHOOK_URL), 'no address'),
  }

  return [
    test('check passes with credentials that work, fails as classified, and ends when it is aborted', (stage) =>
      checkCall(stage, subject, 'check')),
    test('provision and unprovision may be repeated, fail as classified, and end when aborted', async (stage) => {
      await checkCall(stage, subject, 'provision')
      await checkCall(stage, subject, 'unprovision')
    }),
    test('refresh may be repeated, fails as classified, ends when aborted, and asks for a later time', async (stage) => {
      if (!stage.runtime.refresh) return
      const result = await stage.runtime.refresh(contextOf(stage))
      if (result) assert(result.again.getTime() > Date.now(), `again ${String(result.again)}`)
      await checkCall(stage, subject, 'refresh')
    }),
    test('indicateTyping is done with the credentials of the tenant, and ends when it is aborted', async (stage) => {
      const { runtime, provider, integration } = stage
      if (!runtime.indicateTyping) return
      await runtime.indicateTyping(deliveryContextOf(stage))
      for (const call of provider.calls) {
        assert(fixtures.provider.isFrom(call, integration.config), 'a call without the credentials')
      }
      provider.failWith('hang')
      await endsInTime((signal) => runtime.indicateTyping?.(deliveryContextOf(stage, signal)))
    }),
    test('secondForm makes another part of plain JSON, the same each time, which has no second form', async (stage) => {
      const { runtime, render } = stage
      const secondForm = runtime.secondForm?.bind(runtime)
      if (!secondForm) return
      for (const content of [...samplesFor(subject), ...limitSamples(channel.capabilities)]) {
        await named(content, () => {
          for (const part of render(content)) {
            const second = secondForm(deepFreeze(structuredClone(part)))
            if (second === undefined) continue
            assert.equal(typeof second.call, 'string', 'it is no part')
            assert.deepEqual(JSON.parse(JSON.stringify(second)), second, 'it is not plain JSON')
            assert.deepEqual(secondForm(part), second, 'it differs each time')
            assert.notDeepEqual(second, part, 'it is the first form')
            assert.equal(secondForm(second), undefined, 'it has a second form too')
          }
        })
      }
    }),
    test('edit changes a sent part, and may be repeated, fails as classified, and ends when it is aborted', (stage) =>
      changeCall(stage, subject, 'edit')),
    test('remove takes a sent part away, and may be repeated, fails as classified, and ends when it is aborted', (stage) =>
      changeCall(stage, subject, 'remove')),
    test('markRead is done with the credentials of the tenant, and ends when it is aborted', async (stage) => {
      const { runtime, provider, integration } = stage
      if (!runtime.markRead) return
      await runtime.markRead(deliveryContextOf(stage))
      assert(provider.calls.length > 0, 'no call')
      for (const call of provider.calls)
        assert(fixtures.provider.isFrom(call, integration.config), 'a call without the credentials')
      provider.failWith('hang')
      await endsInTime((signal) => runtime.markRead?.(deliveryContextOf(stage, signal)))
    }),
    test('describePerson is done with the credentials of the tenant, and ends when it is aborted', async (stage) => {
      const { runtime, provider, integration, endpoint } = stage
      if (!runtime.describePerson) return
      const person = await runtime.describePerson(endpoint, contextOf(stage))
      const texts = Object.values(person ?? {})
      assert(
        texts.every((each) => each === undefined || typeof each === 'string'),
        'it is no person',
      )
      assert(provider.calls.length > 0, 'no call')
      for (const call of provider.calls)
        assert(fixtures.provider.isFrom(call, integration.config), 'a call without the credentials')
      provider.failWith('hang')
      await endsInTime((signal) => runtime.describePerson?.(endpoint, contextOf(stage, signal)))
    }),
    fixtures.file ? openFile : { ...openFile, skip: 'the fixtures have no file' },
    test('openMedia sends no credentials to where a forged reference points', async (stage) => {
      const { runtime } = stage
      if (!runtime.openMedia) return
      const foreign = await fakeProvider({ answer: () => ({ body: 'stolen' }) })
      try {
        for (const ref of forgedRefs(fixtures.file?.ref ?? null, foreign.url)) {
          const opening = runtime.openMedia(ref, contextOf(stage, AbortSignal.timeout(2000)))
          const opened = await opening.catch((error: unknown) => void runtime.classify(error))
          await opened?.body.cancel()
        }
        const secrets = channel.secrets.flatMap((field) => formsOf(stage.integration.config, field))
        const said = JSON.stringify(foreign.calls)
        assert(!foreign.calls.some((call) => fixtures.provider.isFrom(call, stage.integration.config)))
        assert(!secrets.some((secret) => said.includes(secret)), 'a secret went elsewhere')
        for (const { headers } of foreign.calls) assert.equal(headers.authorization, undefined)
      } finally {
        await foreign.close()
      }
    }),
    channel.account ? accountCase : { ...accountCase, skip: 'the channel has no account' },
    channel.setup ? setupCase : { ...setupCase, skip: 'the channel has no setup' },
  ]
}

const contextOf = <Config, Session>(
  { integration, state }: Stage<Config, Session>,
  signal = AbortSignal.timeout(5000),
): CallContext<Config, Session> => ({ integration, state, webhookUrl: WEBHOOK_URL, signal })

/** The context of a call about an endpoint. */
const deliveryContextOf = <Config, Session>(stage: Stage<Config, Session>, signal?: AbortSignal) => ({
  ...contextOf(stage, signal),
  endpoint: stage.endpoint,
  deliveryId: 'delivery-2',
  ...(stage.context && { context: stage.context }),
})

/** A change of a part that was delivered: with the credentials, as often as it is called, and with known failures. */
async function changeCall<Config, Session, Options>(
  stage: Stage<Config, Session>,
  { fixtures }: Subject<Config, Session, Options>,
  name: 'edit' | 'remove',
): Promise<void> {
  const { runtime, provider, integration } = stage
  if (!runtime[name]) return
  const sent = await stage.deliver(textPart(stage, 'before'))
  assert(sent.providerMessageIds.length > 0, 'there is no id to change the part by')
  const after = textPart(stage, 'after')
  const call = async (signal?: AbortSignal): Promise<unknown> => {
    const context = deliveryContextOf(stage, signal)
    return name === 'edit' ? runtime.edit?.(sent, after, context) : runtime.remove?.(sent, context)
  }
  const { length } = provider.calls
  await call()
  await call()
  const calls = provider.calls.slice(length)
  assert(calls.length > 0, 'the provider was not called')
  if (name === 'edit')
    assert(
      calls.some(({ body }) => body.includes('after')),
      'the new text was not sent',
    )
  for (const each of calls)
    assert(fixtures.provider.isFrom(each, integration.config), 'a call without the credentials')
  for (const fault of ['unauthorized', 'rate-limited-for-2-s', 'reset'] as const) {
    const kind = fixtures.outcomes[fault]
    if (kind === 'sent') continue
    provider.failWith(fault)
    const error = await call().then(
      () => assert.fail(`${name} succeeds: ${fault}`),
      (error: unknown) => error,
    )
    assert.equal(runtime.classify(error).kind, kind, `${name}: ${fault}`)
  }
  provider.failWith('hang')
  await endsInTime(call)
}

/** A call that can be repeated, and whose failures mean what those of a delivery mean. */
async function checkCall<Config, Session, Options>(
  stage: Stage<Config, Session>,
  { fixtures: { outcomes } }: Subject<Config, Session, Options>,
  name: 'check' | 'provision' | 'unprovision' | 'refresh',
): Promise<void> {
  const { runtime, provider } = stage
  const call = (signal?: AbortSignal) => runtime[name]?.(contextOf(stage, signal))
  if (!runtime[name]) return
  provider.failWith()
  await call()
  await call()
  const faults = ['unauthorized', 'rate-limited-for-2-s', 'reset'] as const satisfies readonly Fault[]
  for (const fault of faults) {
    const kind = outcomes[fault]
    if (kind === 'sent') continue
    provider.failWith(fault)
    const error = await (async () => call())().then(
      () => assert.fail(`${name} succeeds: ${fault}`),
      (error: unknown) => error,
    )
    assert.equal(runtime.classify(error).kind, kind, `${name}: ${fault}`)
  }
  provider.failWith('hang')
  await endsInTime(call)
}

async function endsInTime(call: (signal: AbortSignal) => Promise<unknown> | undefined): Promise<void> {
  const started = performance.now()
  await assert.rejects(async () => call(AbortSignal.timeout(50)))
  assert(performance.now() - started < 1050, 'it went on')
}

/** A reference with another address in it, wherever one may stand, and some that are nonsense. */
function forgedRefs(ref: Json, url: string): Json[] {
  const replaced = (value: Json): Json => {
    if (typeof value === 'string') return `${url}/file`
    if (Array.isArray(value)) return value.map(replaced)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner)]))
  }
  const address = `${url}/file`
  const odd = [null, 42, '', '../../file', '//evil', address, `${address}#`, [address], 'x'.repeat(10_000)]
  return [replaced(ref), ...odd, ...['url', 'id', 'href', 'path'].map((key) => ({ [key]: address }))]
}
