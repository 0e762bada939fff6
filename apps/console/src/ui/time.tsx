import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const dated = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})
const withYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })
const wholeDay = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
})

const DAY_MS = 86_400_000

/** A time in the zone of the reader: of today with its seconds, of this year with its day. The exact time is its title. */
export function Time({ at }: { at: string }): JSX.Element {
  const date = new Date(at)
  return (
    <time dateTime={at} title={exact.format(date)} class="nowrap number">
      {shownTime(date, new Date())}
    </time>
  )
}

/** The time of a day that is named above it. */
export function Clock({ at }: { at: string }): JSX.Element {
  const date = new Date(at)
  return (
    <time dateTime={at} title={exact.format(date)} class="nowrap number">
      {clock.format(date)}
    </time>
  )
}

export function shownTime(date: Date, now: Date): string {
  if (date.toDateString() === now.toDateString()) return clock.format(date)
  if (Math.abs(now.getTime() - date.getTime()) < DAY_MS * 300) return dated.format(date)
  return withYear.format(date)
}

/** A time with its day, its seconds and its zone. */
export const exactTime = (at: string): string => exact.format(new Date(at))

export const dayOf = (at: string): string => wholeDay.format(new Date(at))

/** How far ahead something planned is; `soon` once its time has come. */
export const Ahead = ({ at }: { at: string }): JSX.Element => <Ago at={at} past="soon" />

/**
 * How long ago, or how far ahead; it goes on while it is looked at. `isSpan`: only how long. `past`: what is said instead of
 * how long ago.
 */
export function Ago({
  at,
  isSpan = false,
  past,
}: {
  at: string
  isSpan?: boolean
  past?: string
}): JSX.Element {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 5_000)
    return () => clearInterval(timer)
  }, [])
  const date = new Date(at)
  const ms = date.getTime() - now
  const span = spanOf(Math.abs(ms))
  return (
    <time dateTime={at} title={exact.format(date)} class="nowrap number">
      {isSpan ? span : ms > 0 ? `in ${span}` : (past ?? `${span} ago`)}
    </time>
  )
}

const UNITS = [
  ['d', DAY_MS],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** A span in its largest unit: `3 min`. */
export function spanOf(ms: number): string {
  const [unit, size] = UNITS.find(([, length]) => ms >= length) ?? ['s', 1_000]
  return `${Math.floor(ms / size)} ${unit}`
}

/** How long something took. */
export const durationOf = (ms: number): string =>
  ms < 1_000 ? `${Math.round(ms)} ms` : ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : spanOf(ms)
