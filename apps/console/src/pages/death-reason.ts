/** Why a delivery is given up. */
export const REASONS = [
  ['exhausted', 'No attempt succeeded in time'],
  ['invalid', 'Refused for its content'],
  ['recipient', 'The person cannot be reached'],
  ['window-closed', 'The person wrote too long ago'],
  ['gone', 'The target is gone'],
  ['target-removed', 'The target was removed'],
  ['undelivered', 'Accepted, then not delivered'],
] as const

/** The reason of a delivery in words. */
export const reasonOf = (reason: string | undefined): string | undefined =>
  REASONS.find(([key]) => key === reason)?.[1] ?? reason
