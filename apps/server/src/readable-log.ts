import type { DestinationStream } from 'pino'
import { z } from 'zod'
import { plain } from './plain-text.js'

/** Levels of pino: their names, and the colors of a terminal. */
const LEVELS: Readonly<Record<number, readonly [name: string, color: number]>> = {
  10: ['trace', 90],
  20: ['debug', 90],
  30: ['info', 32],
  40: ['warn', 33],
  50: ['error', 31],
  60: ['fatal', 31],
}

const record = z.looseObject({ level: z.number(), time: z.string(), msg: z.string().optional() })

/** Shows log records to a person in a terminal: one line each, with the stack of an error below. */
export const forPeople = (output: { write(text: string): unknown }): DestinationStream => ({
  write: (line) => void output.write(readable(line)),
})

/** A log record as text; unchanged if it is not one. */
export function readable(line: string): string {
  const parsed = record.safeParse(parse(line))
  if (!parsed.success) return line
  const { level, time, msg = '', hexIds: _, err, ...rest } = parsed.data
  const [name, color] = LEVELS[level] ?? [String(level), 0]
  const members = Object.entries(rest).map(([key, value]) => ` ${key}=${textOf(value)}`)
  const at = new Date(time).toTimeString().slice(0, 8)
  return `\u001b[90m${at}\u001b[0m \u001b[${color}m${name.padEnd(5)}\u001b[0m ${plain(msg)}\u001b[90m${members.join('')}\u001b[0m\n${stackOf(err)}`
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

const textOf = (value: unknown): string =>
  typeof value === 'string' && /^[\w.:/@+-]+$/.test(value) ? value : plain(JSON.stringify(value))

const fault = z.looseObject({ stack: z.string().optional(), message: z.string().optional() })

function stackOf(err: unknown): string {
  const { stack, message } = fault.safeParse(err).data ?? {}
  const text = stack ?? message
  return text === undefined
    ? ''
    : `${text
        .split('\n')
        .map((each) => `      ${plain(each)}`)
        .join('\n')}\n`
}
