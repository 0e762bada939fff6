import assert from 'node:assert/strict'
import type { OutboundContent, Part } from '../../channel.js'
import { degrade } from '../../degrade.js'
import { type Stage, type Subject, type SuiteCase, stagedCase } from '../stage.js'
import { limitSamples, named, samplesFor } from './render.js'

/** One part is one effect, by the right tenant, and an attempt ends when it is aborted. */
export function deliverCases<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
): SuiteCase[] {
  const { isFrom, idempotencyKey, repeatAnswer } = subject.fixtures.provider
  const { capabilities } = subject.channel
  const test = stagedCase(subject)
  const sameKey = test('deliver gives a part the same idempotency key at each attempt', async (stage) => {
    const part = textPart(stage, 'hello')
    stage.provider.failWith('lost-answer')
    await stage.attempt(part, { deliveryId: 'delivery-1' })
    stage.provider.failWith()
    await stage.deliver(part, { deliveryId: 'delivery-1' })
    await stage.deliver(part, { deliveryId: 'delivery-2' })
    const isVisible = subject.fixtures.provider.isVisible ?? (() => true)
    const [first, again, other] = stage.provider.calls.filter(isVisible).map((call) => idempotencyKey?.(call))
    assert(first, 'the call has no key')
    assert.equal(again, first, 'another key at the second attempt')
    assert.notEqual(other, first, 'the same key for another part')
  })

  const accepted = test('deliver succeeds where the provider has accepted the part before', async (stage) => {
    const part = textPart(stage, 'hello')
    stage.provider.failWith('lost-answer')
    await stage.attempt(part, { deliveryId: 'delivery-1' })
    stage.provider.failWith()
    const { failure, error } = await stage.attempt(part, { deliveryId: 'delivery-1' })
    assert.equal(failure, undefined, `the second attempt fails: ${error}`)
    assert.equal(stage.visibleCalls().length, 1, 'the message is there twice')
  })

  const { batch } = capabilities
  const groupOf = (stage: Stage<Config, Session>) => {
    assert(batch && stage.deliverBatch, '`capabilities.batch` and `deliverBatch` go together')
    return Array.from({ length: batch.max }, (_, i) => textPart(stage, `part ${i}`))
  }
  const noBatch = batch ? {} : { skip: 'the provider takes one part in a call' }
  const contexts = subject.fixtures.recordings.flatMap(({ events }) =>
    events.flatMap(({ context, at }) => (context ? [{ value: context, at }] : [])),
  )
  const withContext =
    test('deliver sends a part with the context of each event, and without one', async (stage) => {
      assert(contexts.length > 0, '`capabilities.context` needs a recording of an event with a context')
      for (const [i, context] of [undefined, ...contexts].entries()) {
        const before = stage.visibleCalls().length
        await stage.deliver(textPart(stage, 'hello'), {
          deliveryId: `delivery-${i}`,
          ...(context && { context: structuredClone(context) }),
        })
        assert.equal(stage.visibleCalls().length - before, 1, `effects with context ${i}`)
      }
    })

  return [
    {
      ...test('deliverBatch shows its parts in one call, and answers with the ids of each', async (stage) => {
        const group = groupOf(stage)
        const sent = (await stage.deliverBatch?.(group)) ?? []
        assert.equal(stage.visibleCalls().length, 1, 'calls')
        assert.equal(sent.length, group.length, 'parts that were sent')
        for (const { providerMessageIds } of sent) checkIds(providerMessageIds)
      }),
      ...noBatch,
    },
    {
      ...test('deliverBatch fails as classified, ends when it is aborted, and is repeated with the same key', async (stage) => {
        const group = groupOf(stage)
        const { outcomes, provider } = subject.fixtures
        const attempt = (deliveryId: string, signal?: AbortSignal) =>
          stage.deliverBatch?.(group, { deliveryId, ...(signal && { signal }) })
        for (const fault of ['rate-limited-for-2-s', 'lost-answer'] as const) {
          stage.provider.failWith(fault)
          const error = await attempt('delivery-1')?.then(
            () => undefined,
            (error: unknown) => error,
          )
          const kind = error === undefined ? 'sent' : stage.runtime.classify(error).kind
          assert.equal(kind, outcomes[fault], fault)
        }
        stage.provider.failWith()
        await attempt('delivery-1')
        await attempt('delivery-2')
        if (idempotencyKey) {
          const isVisible = provider.isVisible ?? (() => true)
          const keys = stage.provider.calls.filter(isVisible).map((call) => idempotencyKey(call))
          const [first, ...rest] = keys
          assert(first, 'the call has no key')
          assert.deepEqual(rest.slice(0, 2), [first, first], 'another key at another attempt')
          assert.notEqual(keys.at(-1), first, 'the same key for another group')
        }
        stage.provider.failWith('hang')
        const started = performance.now()
        await assert.rejects(async () => attempt('delivery-3', AbortSignal.timeout(50)))
        assert(performance.now() - started < 1050, 'it went on')
      }),
      ...noBatch,
    },
    capabilities.context ? withContext : { ...withContext, skip: 'events of the channel carry no context' },
    test('deliver shows each part once and answers with the ids that the provider gave', async (stage) => {
      for (const [i, content] of samplesFor(subject).entries()) {
        await named(content, () => showsOnce(stage, content, `delivery-${i}`))
      }
    }),
    test('deliver shows content at each limit that the channel declares', async (stage) => {
      for (const [i, sample] of limitSamples(capabilities).entries()) {
        for (const [j, content] of (degrade(sample, capabilities)?.contents ?? []).entries()) {
          await named(sample, () => showsOnce(stage, content, `delivery-${i}-${j}`))
        }
      }
    }),
    test('deliver ends within a second when it is aborted', async (stage) => {
      stage.provider.failWith('hang')
      const started = performance.now()
      await assert.rejects(stage.deliver(textPart(stage, 'hello'), { signal: AbortSignal.timeout(50) }))
      assert(performance.now() - started < 1050, 'it went on')
    }),
    idempotencyKey && repeatAnswer
      ? accepted
      : { ...accepted, skip: 'the provider answers a repeated key as the first call' },
    idempotencyKey ? sameKey : { ...sameKey, skip: 'the provider takes no idempotency key' },
    test('deliver uses the credentials of the tenant, also when two deliver at once', async (stage) => {
      const { integration, stranger } = stage
      const owners = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? integration : stranger))
      await Promise.all(
        owners.map((owner, i) =>
          stage.deliver(textPart(stage, `owner${i % 2}`), {
            integration: owner,
            deliveryId: `delivery-${i}`,
          }),
        ),
      )
      assert.equal(stage.visibleCalls().length, owners.length)
      for (const call of stage.visibleCalls()) {
        const isOwn = call.body.includes('owner0')
        assert.equal(isFrom(call, integration.config), isOwn, 'calls of the first tenant')
        assert.equal(isFrom(call, stranger.config), !isOwn, 'calls of the second tenant')
      }
    }),
  ]
}

/** Delivers the parts of a content: each has one effect, and an id. */
async function showsOnce<Config, Session>(
  stage: Stage<Config, Session>,
  content: OutboundContent,
  deliveryId: string,
): Promise<void> {
  for (const [i, part] of stage.render(content).entries()) {
    const before = stage.visibleCalls().length
    const { providerMessageIds } = await stage.deliver(part, { deliveryId: `${deliveryId}-${i}` })
    assert.equal(stage.visibleCalls().length - before, 1, `effects of part ${i}`)
    checkIds(providerMessageIds)
  }
}

function checkIds(ids: readonly string[]): void {
  assert(ids.length > 0, 'no id')
  for (const id of ids) assert(typeof id === 'string' && id !== '', `id ${id}`)
}

/** The one part of a short text. */
export function textPart<Config, Session>(stage: Stage<Config, Session>, text: string): Part {
  const [part, ...more] = stage.render({ type: 'text', text })
  assert(part && more.length === 0, 'a short text is one part')
  return part
}
