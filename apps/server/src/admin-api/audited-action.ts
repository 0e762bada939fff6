import type { Id } from '@plugboard/core'
import type { AuditDetails, AuditEntry, Hub } from '@plugboard/hub'
import type { FastifyRequest } from 'fastify'
import { type AuditedActor, auditedActor, KEY_ACTOR } from './actor.js'
import { asPlugboardError } from './errors.js'

/** What the handler of an action says of it. */
export interface Noted {
  details: Record<string, AuditDetails[string]>
  clientId?: Id
}

export interface Action {
  action: string
  actor: AuditedActor
  request: Pick<FastifyRequest, 'id' | 'ip'> & { log: Pick<FastifyRequest['log'], 'error'> }
  /** Parameters of the path. */
  target?: Record<string, unknown>
  /** Names of the members of the body. */
  fields?: readonly string[]
  noted: Noted
}

/** Carries an action out between the two halves of its entry in the audit log. */
export async function recorded<T>(
  hub: Pick<Hub, 'audit'>,
  { action, actor, request, target = {}, fields = [], noted }: Action,
  act: () => Promise<T>,
): Promise<T> {
  const texts = Object.entries(target).map(([key, value]) => [key, String(value)] as const)
  const entryId = await hub.audit.begin({
    ...{ action, actor: auditedActor(actor), from: request.ip, requestId: request.id },
    ...(noted.clientId && { clientId: noted.clientId }),
    ...(texts.length > 0 && { target: Object.fromEntries(texts) }),
    ...(fields.length > 0 && { fields }),
  })
  const end = (result: Pick<AuditEntry, 'outcome' | 'code'>): Promise<void> =>
    hub.audit
      .end(entryId, {
        ...result,
        ...(Object.keys(noted.details).length > 0 && { details: noted.details }),
        ...(noted.clientId && { clientId: noted.clientId }),
      })
      // The change is made. Its entry stays, as one whose result is not known.
      .catch((err) =>
        request.log.error({ err, reqId: request.id, action }, 'cannot complete an entry of the audit log'),
      )
  try {
    const answer = await act()
    await end({ outcome: 'done' })
    return answer
  } catch (error) {
    const { code } = asPlugboardError(error instanceof Error ? error : new Error(String(error)))
    await end({ outcome: code === 'INTERNAL' || code === 'UNAVAILABLE' ? 'failed' : 'refused', code })
    throw error
  }
}

/** The same of a program with the admin key. */
export const recordedForKey = <T>(
  hub: Pick<Hub, 'audit'>,
  action: Omit<Action, 'actor'>,
  act: () => Promise<T>,
): Promise<T> => recorded(hub, { ...action, actor: KEY_ACTOR }, act)
