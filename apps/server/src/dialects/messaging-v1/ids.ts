import { fromUuid, type Id, PlugboardError } from '@plugboard/core'

/** The object that a GUID names. @throws NOT_FOUND for one that names none of ours. */
export function idOf(guid: string): Id {
  const id = fromUuid(guid)
  if (!id) throw new PlugboardError('NOT_FOUND', 'Not Found')
  return id
}
