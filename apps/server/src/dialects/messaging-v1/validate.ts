import { type Issue, invalid } from '@plugboard/core'
import type { z } from 'zod'
import { valueAt } from '../note-failure.js'

/** Parts of a request that are checked, by the name that faults give them. */
export type Part = 'body' | 'params' | 'query'

/** Parses one part of a request. @throws INVALID that names the first fault */
export function parsePart<T extends z.ZodType>(schema: T, part: Part, value: unknown): z.infer<T> {
  const result = schema.safeParse(value ?? {})
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw invalid(issue ? asIssue(issue, part, value) : { path: [part], message: 'is invalid' })
}

type ZodIssue = z.core.$ZodIssue

/** A fault in the words that clients of this API know. */
function asIssue(issue: ZodIssue, part: Part, root: unknown): Issue {
  const path = [part, ...issue.path.map((key) => (typeof key === 'number' ? key : String(key)))]
  if (issue.code === 'unrecognized_keys')
    return { path: [...path, issue.keys[0] ?? ''], message: 'is not allowed' }
  const value = valueAt(root, issue.path)
  if (value === undefined) return { path, message: 'is required' }
  if (value === '' && part === 'body') return { path, message: 'is not allowed to be empty' }
  return { path, message: phraseOf(issue) }
}

const TYPES: Record<string, string> = {
  string: 'must be a string',
  number: 'must be a number',
  int: 'must be a number',
  boolean: 'must be a boolean',
  array: 'must be an array',
  object: 'must be of type object',
  record: 'must be of type object',
}

const FORMATS: Record<string, string> = {
  guid: 'must be a valid GUID',
  url: 'must be a valid uri',
  datetime: 'must be in iso format',
}

export function phraseOf(issue: ZodIssue): string {
  // The schema's own words.
  if (issue.message.startsWith('must ')) return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? `must be a ${issue.expected}`
    case 'invalid_format':
      return FORMATS[issue.format] ?? 'has a wrong format'
    case 'too_small':
      return `must be greater than or equal to ${issue.minimum}`
    case 'too_big':
      if (issue.origin === 'number') return `must be less than or equal to ${issue.maximum}`
      return `length must be less than or equal to ${issue.maximum} ${issue.origin === 'array' ? 'items' : 'characters long'}`
    case 'invalid_value':
      return `must be one of [${issue.values.join(', ')}]`
    default:
      return issue.message
  }
}
