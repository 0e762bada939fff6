import { type Id, isId } from '@plugboard/core'
import type { Caller } from './credentials.js'
import { forbidden, notFound } from './errors.js'

/** @throws integration_not_found */
export function integrationIdOf(text = ''): Id {
  if (!isId(text)) throw notFound('integration')
  return text
}

/**
 * The integration that a path names. A key of an integration may call itself `me`, and name no other.
 * @throws forbidden, integration_not_found
 */
export function ownIntegrationId(text: string | undefined, { scope, key }: Caller): Id {
  if (scope !== 'integration') return integrationIdOf(text)
  if (text !== 'me' && text !== key.integrationId) throw forbidden()
  return integrationIdOf(key.integrationId)
}
