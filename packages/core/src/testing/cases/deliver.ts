import assert from 'node:assert/strict'
import type { Part } from '../../channel.js'
import { type Stage, type Subject, type SuiteCase, stagedCase } from '../stage.js'
import { samplesFor } from './render.js'

/** One part is one effect, by the right tenant, and an attempt ends when it is aborted. */
export function deliverCases<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
): SuiteCase[] {
  const { isFrom, idempotencyKey } = subject.fixtures.provider
  const test = stagedCase(subject)
  const sameKey = test('deliver gives a part the same idempotency key at each attempt', async (stage) => {
    const part = textPart(stage, 'hello')
    stage.provider.failWith('lost-answer')
    await stage.attempt(part, { deliveryId: 'delivery-1' })
    stage.provider.failWith()
    await stage.deliver(part, { deliveryId: 'delivery-1' })
    await stage.deliver(part, { deliveryId: 'delivery-2' })
    const [first, again, other] = stage.visibleCalls().map((call) => idempotencyKey?.(call))
    assert(first, 'the call has no key')
    assert.equal(again, first, 'another key at the second attempt')
    assert.notEqual(other, first, 'the same key for another part')
  })

  return [
    test('deliver shows each part once and answers with the ids that the provider gave', async (stage) => {
      for (const [i, content] of samplesFor(subject.channel).entries()) {
        for (const [j, part] of stage.render(content).entries()) {
          const before = stage.visibleCalls().length
          const { providerMessageIds } = await stage.deliver(part, { deliveryId: `delivery-${i}-${j}` })
          assert.equal(stage.visibleCalls().length - before, 1, `effects of ${JSON.stringify(part)}`)
          assert(providerMessageIds.length > 0, 'no id')
          for (const id of providerMessageIds) assert(typeof id === 'string' && id !== '', `id ${id}`)
        }
      }
    }),
    test('deliver ends within a second when it is aborted', async (stage) => {
      stage.provider.failWith('hang')
      const started = performance.now()
      await assert.rejects(stage.deliver(textPart(stage, 'hello'), { signal: AbortSignal.timeout(50) }))
      assert(performance.now() - started < 1050, 'it went on')
    }),
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

/** The one part of a short text. */
export function textPart<Config, Session>(stage: Stage<Config, Session>, text: string): Part {
  const [part, ...more] = stage.render({ type: 'text', text })
  assert(part && more.length === 0, 'a short text is one part')
  return part
}
