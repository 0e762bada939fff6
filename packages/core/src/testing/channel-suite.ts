import assert from 'node:assert/strict'
import { declarationCases } from './cases/declaration.js'
import { deliverCases } from './cases/deliver.js'
import { faultCases } from './cases/faults.js'
import { lifecycleCases } from './cases/lifecycle.js'
import { listenCases } from './cases/listen.js'
import { optionalCases } from './cases/optional.js'
import { parseCases } from './cases/parse.js'
import { renderCases } from './cases/render.js'
import { secrecyCases } from './cases/secrecy.js'
import { sharedCases } from './cases/shared.js'
import { timeCases } from './cases/time.js'
import { verifyCases } from './cases/verify.js'
import type { Subject, SuiteCase } from './stage.js'

/**
 * The contract of a channel as test cases for any runner:
 *
 * ```ts
 * for (const { name, run, skip } of channelSuite({ channel, fixtures })) {
 *   test(name, { timeout: 30_000 }, (context) => (skip ? context.skip(skip) : run()))
 * }
 * ```
 *
 * Cases are independent. They need only the built channel and a free local port.
 * @throws AssertionError when a skip has no reason or names no case.
 */
export function channelSuite<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
): SuiteCase[] {
  const cases = [
    ...declarationCases(subject),
    ...lifecycleCases(subject),
    ...verifyCases(subject),
    ...parseCases(subject),
    ...sharedCases(subject),
    ...listenCases(subject),
    ...renderCases(subject),
    ...timeCases(subject),
    ...deliverCases(subject),
    ...faultCases(subject),
    ...secrecyCases(subject),
    ...optionalCases(subject),
  ]
  const { skip = {} } = subject.fixtures
  for (const [name, reason] of Object.entries(skip)) {
    assert(
      cases.some((each) => each.name === name),
      `skip has a name that is not a case: ${name}`,
    )
    assert(reason.trim(), `a skip needs a reason: ${name}`)
  }
  return cases.map((each) => ({ ...each, ...(skip[each.name] && { skip: skip[each.name] }) }))
}
