import type { Failure } from '@plugboard/core'
import type { Entry, StreamRef } from './entry.js'
import type { Target } from './target.js'

/** Attempts that are kept of one delivery: the newest. */
export const KEPT_ATTEMPTS = 10

/** One attempt at a delivery. It holds no text of a message. */
export interface Attempt {
  /** When it began. */
  at: Date
  /** From its first call to its outcome. */
  durationMs: number
  /** `delivered`, or the kind of the failure. */
  outcome: 'delivered' | Failure['kind']
  /** The HTTP status of the answer of a webhook. */
  status?: number
  error?: string
  /** The provider's code of the error. */
  code?: string
  /** The start of the answer of a webhook that did not take the event. */
  response?: string
}

/** An attempt with its delivery: an entry of a stream, and a target. */
export interface AttemptRecord extends Attempt {
  seq: number
  target: Target
}

/** A delivery is prompt if its first attempt succeeds and ends within this time after the entry was accepted. */
export const PROMPT_MS = 2000

export interface NewAttempt extends AttemptRecord, StreamRef {
  /**
   * See {@link PROMPT_MS}. Nearly every attempt is one, and nobody asks for it but with its entry. So a store may keep it
   * where it is cheap to write, and find it by the time of the entry.
   */
  isPrompt?: true
}

/**
 * The seconds of the epoch in which prompt attempts at these entries may have ended, as ranges in order that do not overlap.
 * `to` is no part of its range.
 */
export function promptSeconds(entries: readonly Pick<Entry, 'at'>[]): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = []
  for (const from of entries.map(({ at }) => Math.floor(at.getTime() / 1000)).sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    const to = from + Math.ceil(PROMPT_MS / 1000) + 1
    if (last && from <= last.to) last.to = to
    else ranges.push({ from, to })
  }
  return ranges
}

/** In order of the entries, then of time; each once, and the newest of each delivery only. */
export function newestOfEach<T extends Pick<AttemptRecord, 'seq' | 'target' | 'at'>>(
  attempts: readonly T[],
): T[] {
  const kept: T[] = []
  const later = new Map<string, { count: number; at: number }>()
  for (const attempt of attempts.toSorted((a, b) => b.seq - a.seq || b.at.getTime() - a.at.getTime())) {
    const delivery = `${attempt.seq} ${attempt.target}`
    const at = attempt.at.getTime()
    const { count, at: last } = later.get(delivery) ?? { count: 0, at: Number.NaN }
    if (count === KEPT_ATTEMPTS || at === last) continue
    later.set(delivery, { count: count + 1, at })
    kept.push(attempt)
  }
  return kept.reverse()
}
