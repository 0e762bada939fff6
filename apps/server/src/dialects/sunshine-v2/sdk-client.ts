import { type Id, isId, type JsonObject, newId } from '@plugboard/core'
import type { ClientView, Hub, UserView } from '@plugboard/hub'
import { ownOf, withOwn } from './map.js'

/** The client of type `sdk` that a user has since being subscribed to a conversation. It is a record: there is no SDK. */
export interface SdkClient {
  id: Id
  linkedAt: string
}

/** The type of such a client, in this API. */
const SDK = 'sdk'

export function sdkClientOf({ facts }: Pick<UserView, 'facts'>): SdkClient | undefined {
  const { sdkClientId: id, sdkLinkedAt: linkedAt } = ownOf(facts)
  return typeof id === 'string' && isId(id) && typeof linkedAt === 'string' ? { id, linkedAt } : undefined
}

export const sdkClientJson = ({ id, linkedAt }: SdkClient): JsonObject => ({
  id,
  type: SDK,
  status: 'active',
  linkedAt,
})

/** The clients that a participant is subscribed with: in groups alone, whose participants all are. */
export function associationsOf(user: UserView | undefined, isGroup: boolean | undefined) {
  const sdk = isGroup && user ? sdkClientOf(user) : undefined
  return sdk ? [{ type: SDK, clientId: sdk.id }] : []
}

/** Creates the client of a user, once. @throws NOT_FOUND for the user */
export async function subscribeSdk(hub: Hub, client: ClientView, userId: Id): Promise<void> {
  const made = { sdkClientId: newId(), sdkLinkedAt: new Date().toISOString() }
  await hub.users.change(client, userId, (facts) => (sdkClientOf({ facts }) ? facts : withOwn(facts, made)))
}
