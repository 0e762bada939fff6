import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Report, ReportWriter, readReport } from './sender-reports.js'

const failure = { message: 'answered 500', status: 500, ambiguous: false }

describe('ReportWriter', () => {
  const reports: Report[] = []
  const writer = new ReportWriter((report) => reports.push(report))

  beforeEach(() => {
    vi.useFakeTimers()
    reports.length = 0
  })
  afterEach(() => {
    vi.runAllTimers()
    vi.useRealTimers()
  })

  test('makes one mark of the deliveries that follow each other in a lane', () => {
    for (let seq = 1; seq <= 3; seq++) {
      writer.delivered(1, 1, seq)
      writer.delivered(2, 1, seq * 10)
    }
    vi.runAllTimers()
    expect(reports.map(played)).toEqual([['delivered 1/1/3', 'delivered 2/1/30']])
  })

  test('keeps the order of what happens in a lane', () => {
    writer.delivered(1, 1, 1)
    writer.failed(1, 1, 2, failure)
    writer.delivered(1, 2, 2)
    writer.cancelled(1)
    writer.delivered(1, 2, 3)
    writer.delivered(1, 3, 4)
    writer.expired(1, 3)
    writer.failed(2, 1, 1, { ...failure, status: 404 })
    vi.runAllTimers()
    expect(reports.flatMap(played)).toEqual([
      'delivered 1/1/1',
      'failed 1/1/2 500',
      'delivered 1/2/2',
      'cancelled 1',
      'delivered 1/2/3',
      'delivered 1/3/4',
      'expired 1/3',
      'failed 2/1/1 404',
    ])
  })

  test.each([
    ['a failure', () => writer.failed(1, 1, 2, failure)],
    ['a cancel', () => writer.cancelled(2)],
    ['the end of a lease', () => writer.expired(2, 1)],
    ['a lane that ran low', () => writer.ranLow()],
    ['the end', () => writer.drained()],
  ])('waits with deliveries, but not with %s', (_what, happen) => {
    writer.delivered(1, 1, 1)
    vi.advanceTimersByTime(1)
    expect(reports).toEqual([])
    happen()
    vi.advanceTimersByTime(0)
    expect(reports.length).toBe(1)
    vi.runAllTimers()
    expect(reports.length).toBe(1)
  })

  test('says when all is drained', () => {
    writer.drained()
    vi.runAllTimers()
    expect(reports).toEqual([{ marks: [], failures: [], isDrained: true }])
  })
})

function played(report: Report): string[] {
  const events: string[] = []
  readReport(report, {
    delivered: (...mark) => events.push(`delivered ${mark.join('/')}`),
    failed: (lane, generation, seq, { status }) =>
      events.push(`failed ${lane}/${generation}/${seq} ${status}`),
    cancelled: (lane) => events.push(`cancelled ${lane}`),
    expired: (...mark) => events.push(`expired ${mark.join('/')}`),
  })
  return events
}
