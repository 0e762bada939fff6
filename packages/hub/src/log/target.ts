import type { Id } from '@plugboard/core'

/**
 * A target, as the key of a lane: `w` and a webhook's id, `e` and an endpoint's id, or `i` and the id of an integration
 * to set up at its provider. A replay has a separate lane, `r` with the entry's number, the time of the death that it undoes
 * and the target, because it ignores the order. The time is there so that the end of one replay is not taken for that of
 * the next, which may begin before the end of the first is written.
 */
export type Target = `w${string}` | `e${string}` | `i${string}`
export type LaneKey = Target | `r${number}-${number}:${Target}`

export const webhookTarget = (webhookId: Id): Target => `w${webhookId}`
export const endpointTarget = (endpointId: Id): Target => `e${endpointId}`
export const integrationTarget = (integrationId: Id): Target => `i${integrationId}`
export const replayLane = (seq: number, diedAt: Date, target: Target): LaneKey =>
  `r${seq}-${diedAt.getTime()}:${target}`

/** The target of a lane; for a replay the number of the entry, and what names the replay among others. */
export function parseLaneKey(key: LaneKey): { target: Target; only?: number; replay?: string } {
  if (!key.startsWith('r')) return { target: key as Target }
  const colon = key.indexOf(':')
  const replay = key.slice(1, colon)
  return { target: key.slice(colon + 1) as Target, only: Number.parseInt(replay, 10), replay }
}

export type TargetKind = 'webhook' | 'endpoint' | 'integration'

const KINDS: Readonly<Record<string, TargetKind>> = { w: 'webhook', e: 'endpoint', i: 'integration' }

/** The kind of a target and the id of the webhook, the endpoint or the integration. */
export function parseTarget(target: Target): { kind: TargetKind; id: Id } {
  return { kind: KINDS[target[0] ?? ''] ?? 'endpoint', id: target.slice(1) as Id }
}

/** Readable name of a target, for logs and dead letters. */
export function nameOf(target: Target): string {
  const { kind, id } = parseTarget(target)
  return `${kind} ${id}`
}
