import { fromUuid, type Id, isId, PlugboardError } from '@plugboard/core'
import type { ClientView } from '@plugboard/hub'

export const integrationNotFound = (): PlugboardError =>
  new PlugboardError('NOT_FOUND', 'integration not found')

/** The integration with this id, in the form of any API, or with this name. @throws NOT_FOUND */
export function integrationIdOf({ integrations }: ClientView, text: string): Id {
  const id = isId(text) ? text : fromUuid(text)
  const found = [...integrations.values()].find((each) => each.id === id || each.name === text)
  if (!found) throw integrationNotFound()
  return found.id
}
