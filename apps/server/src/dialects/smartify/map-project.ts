import type { JsonObject } from '@plugboard/core'
import type { ClientFacts, ClientView, OpenWebhook, PersonAccount, Role, WithId } from '@plugboard/hub'

/** Projects and their subscriptions, as this API shows them. Pure. */

/** The version of the peer whose API this is. */
const PEER_VERSION = 20_115

export function projectJson({ id, record }: ClientView, facts: ClientFacts): JsonObject {
  const createdAt = record.createdAt.toISOString()
  return {
    status: 100,
    ipFilterEnabled: false,
    ipFilter: [],
    ipFilterDenyEnabled: false,
    ipFilterDeny: [],
    _id: id,
    name: facts.displayName ?? record.name ?? id,
    activeOperatingHours: false,
    createdBy: facts.createdBy ?? id,
    profile: { trialDays: 0, name: 'Self-hosted', agents: 0, type: 'payment' },
    versions: PEER_VERSION,
    channels: [{ name: 'chat21' }],
    bannedUsers: [],
    createdAt,
    updatedAt: createdAt,
    __v: 0,
    trialExpired: false,
    trialDaysLeft: 0,
    isActiveSubscription: true,
    id,
  }
}

/** A project among those of a person. */
export function membershipJson(person: WithId<PersonAccount>, role: Role, project: JsonObject): JsonObject {
  return {
    _id: person.id,
    id_project: project,
    id_user: person.id,
    role,
    roleType: 1,
    user_available: true,
    status: 'active',
    trashed: false,
    tags: [],
    createdBy: person.id,
    createdAt: person.createdAt,
    updatedAt: person.createdAt,
    __v: 0,
    id: person.id,
  }
}

/** A subscription in its webhook requests, without the secret. */
export function subscriptionJson(projectId: string, webhook: OpenWebhook): JsonObject {
  const createdAt = (webhook.createdAt ?? new Date(0)).toISOString()
  const { createdBy } = webhook.settings ?? {}
  return {
    _id: webhook.id,
    target: webhook.url,
    event: webhook.events?.[0] ?? '',
    id_project: projectId,
    createdBy: createdBy ?? projectId,
    createdAt,
    updatedAt: createdAt,
    __v: 0,
  }
}
