import { isStorable, truncate } from '@plugboard/core'

/** The field of a card's data with the token of a button, and the id of a menu. */
export const TOKEN_FIELD = 'plugboard'
/** Longest label that is passed on. */
const LONGEST_LABEL = 300

/** What a person chose. */
export interface Choice {
  token: string
  label?: string
}

/**
 * The value that a button sent: one of ours, or any other that its card carries. `label` is what the person saw, where
 * Teams says it. Undefined for nothing.
 */
export function choiceIn(value: unknown, label?: string): Choice | undefined {
  const token = tokenIn(value)
  if (token === undefined) return undefined
  const words = label?.trim() ?? ''
  return { token, ...(words !== '' && { label: truncate(words, LONGEST_LABEL) }) }
}

function tokenIn(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'string' && isStorable(value)) return value
  const token = typeof value === 'object' && TOKEN_FIELD in value ? value[TOKEN_FIELD] : undefined
  if (typeof token === 'string' && token !== '' && isStorable(token)) return token
  return JSON.stringify(value)
}
