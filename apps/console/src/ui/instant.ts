/** The instant of a date and time that a field of the page has, in the zone of the reader: ISO 8601 in UTC. */
export function instantOf(local: string | null): string | undefined {
  if (local === null || local === '') return undefined
  const date = new Date(local)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
