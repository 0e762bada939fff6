import { fromUuid, type Id, PlugboardError } from '@plugboard/core'

/** Converts a GUID to an id. @throws NOT_FOUND for a GUID that is not an id */
export function idOf(guid: string): Id {
  const id = fromUuid(guid)
  if (!id) throw new PlugboardError('NOT_FOUND', 'Not Found')
  return id
}
