import assert from 'node:assert/strict'
import { type Failure, failureKinds } from '../../failure.js'
import { type Fault, faults } from '../fake-provider.js'
import type { Outcome } from '../fixtures.js'
import { type Attempt, type Stage, type Subject, type SuiteCase, stagedCase } from '../stage.js'
import { textPart } from './deliver.js'

/** After these faults, the outcome is unknown: any other kind would lose or duplicate the message. */
const unknowable: readonly Fault[] = ['reset', 'lost-answer', 'hang', 'truncated', 'endless', 'garbage']

/**
 * How many milliseconds after its call an attempt is aborted that does not end, or may not: some clients miss a truncated
 * body.
 */
const PATIENCE_MS: Partial<Record<Fault, number>> = { hang: 200, endless: 200, truncated: 1_000 }

/** Longest wait for a call, in milliseconds. */
const LONGEST_MS = 10_000

/** Each fault is one failed attempt of the right kind; the next attempt is as good as new. */
export function faultCases<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
): SuiteCase[] {
  const { outcomes, provider } = subject.fixtures
  const test = stagedCase(subject)
  return [
    ...faults.map((fault) =>
      test(`a fault is classified: ${fault}`, async (stage) => {
        const expected = outcomes[fault]
        assert(
          !unknowable.includes(fault) || ['ambiguous', 'sent'].includes(expected),
          `${fault} is unknowable`,
        )
        const { failure } = await suffer(stage, fault)
        checkOutcome(failure, expected)
        if (fault === 'rate-limited-for-2-s') assert(failure && 'retryAfterMs' in failure, 'no retryAfterMs')
        if (failure && 'retryAfterMs' in failure) assert.equal(failure.retryAfterMs, 2000)
        const attempts = stage.provider.calls.filter((call) => provider.isVisible?.(call) ?? true)
        assert.equal(attempts.length, fault === 'refused' ? 0 : 1, 'attempts; the host owns retries')
        assert(!stage.provider.calls.some(({ path }) => path === '/elsewhere'), 'a redirect was followed')
        if (fault === 'refused') return
        stage.provider.failWith()
        await stage.deliver(textPart(stage, 'hello again'))
      }),
    ),
    test('classify answers for whatever is thrown', ({ runtime }) => {
      const loop = new Error('a loop')
      loop.cause = loop
      for (const thrown of [undefined, null, 'text', 42, {}, [], new Error(), loop, new AggregateError([])]) {
        checkFailure(runtime.classify(thrown))
      }
    }),
  ]
}

/** Attempts one delivery under a fault. */
export async function suffer<Config, Session>(stage: Stage<Config, Session>, fault: Fault): Promise<Attempt> {
  const part = textPart(stage, 'a private text')
  if (fault === 'refused') await stage.provider.close()
  else stage.provider.failWith(fault)
  const patience = PATIENCE_MS[fault]
  if (patience === undefined) return stage.attempt(part)
  const controller = new AbortController()
  // A busy machine may take longer to make the call.
  const called = stage.provider.nextCall().then(() => setTimeout(() => controller.abort(timeout()), patience))
  const limit = AbortSignal.timeout(LONGEST_MS)
  const attempt = await stage.attempt(part, { signal: AbortSignal.any([controller.signal, limit]) })
  called.then(clearTimeout)
  return attempt
}

/** As `AbortSignal.timeout` has it. */
const timeout = (): DOMException => new DOMException('the attempt takes too long', 'TimeoutError')

function checkOutcome(failure: Failure | undefined, expected: Outcome): void {
  assert.equal(failure?.kind ?? 'sent', expected, failure?.message)
  if (failure) checkFailure(failure)
}

function checkFailure(failure: Failure): void {
  assert(failureKinds.includes(failure.kind), failure.kind)
  assert(failure.message.length > 0 && failure.message.length <= 500, 'the message is empty or too long')
  assert.doesNotMatch(failure.message, /a private text/, "the message has the person's text")
}
