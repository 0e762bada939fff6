import type { z } from 'zod'
import { valueAt } from '../note-failure.js'
import { badRequest } from './errors.js'

type ZodIssue = z.core.$ZodIssue

/** Parses a part of a request. @throws bad_request with each fault, in the words of this API */
export function parseInput<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw badRequest(...result.error.issues.slice(0, MAX_FAULTS).map((issue) => titleOf(issue, value)))
}

const MAX_FAULTS = 10

function titleOf(issue: ZodIssue, root: unknown): string {
  const path = issue.path.map(String)
  if (isOwnWords(issue)) return issue.message
  const last = path.at(-1)
  const where = path.length > 1 ? `.${path.slice(0, -1).join('.')} ` : ''
  if (last !== undefined && valueAt(root, issue.path) === undefined)
    return `${where}should have required property '${last}'`
  return `${path.length > 0 ? `.${path.join('.')} ` : ''}should be ${phraseOf(issue)}`
}

/** Words of the schema's author stand for themselves. */
const isOwnWords = (issue: ZodIssue): boolean => issue.code === 'custom'

function phraseOf(issue: ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected
    case 'invalid_value':
      return `equal to one of the allowed values: ${issue.values.join(', ')}`
    case 'invalid_union': {
      // Of a union by a field: the values of the field. The type does not have them yet.
      const options = 'options' in issue && Array.isArray(issue.options) ? issue.options : []
      return options.length > 0 ? `equal to one of the allowed values: ${options.join(', ')}` : 'valid'
    }
    case 'too_small':
      return issue.origin === 'number'
        ? `>= ${issue.minimum}`
        : `no shorter than ${issue.minimum} ${unitOf(issue.origin)}`
    case 'too_big':
      return issue.origin === 'number'
        ? `<= ${issue.maximum}`
        : `no longer than ${issue.maximum} ${unitOf(issue.origin)}`
    case 'invalid_format':
      return `a valid ${issue.format}`
    default:
      return `valid: ${issue.message}`
  }
}

const unitOf = (origin: string): string => (origin === 'array' ? 'items' : 'characters')
