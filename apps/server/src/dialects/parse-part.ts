import { type Issue, invalid } from '@plugboard/core'
import type { z } from 'zod'
import { phraseOf } from './messaging-v1/validate.js'
import { valueAt } from './note-failure.js'

const MAX_FAULTS = 5

/** Parses a part of a request. @throws INVALID that names the first faults, with their paths in the part */
export function parsePart<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value ?? {})
  if (result.success) return result.data
  throw invalid(...result.error.issues.slice(0, MAX_FAULTS).map((issue) => asIssue(issue, value)))
}

function asIssue(issue: z.core.$ZodIssue, root: unknown): Issue {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)))
  if (issue.code === 'unrecognized_keys')
    return { path: [...path, (issue.keys[0] ?? '').slice(0, 50)], message: 'is not allowed' }
  if (issue.code !== 'custom' && valueAt(root, issue.path) === undefined)
    return { path, message: 'is required' }
  return { path, message: phraseOf(issue) }
}
