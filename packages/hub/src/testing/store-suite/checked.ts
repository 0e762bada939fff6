import assert from 'node:assert/strict'
import { types } from 'node:util'
import { isId } from '@plugboard/core'
import type { Store } from '../../ports/store.js'

const ids = new Set([
  'id',
  'clientId',
  'streamId',
  'userId',
  'conversationId',
  'entryId',
  'integrationId',
  'endpointId',
  'incomingId',
  'queueId',
  'webhookId',
])
const dates = new Set([
  'activeAt',
  'at',
  'blockedUntil',
  'collectUntil',
  'createdAt',
  'deletedAt',
  'dueAt',
  'lastMessageAt',
  'nextAt',
  'oldest',
  'since',
  'turnEndedAt',
  'until',
])

/**
 * The store itself, except that each answer is looked through: ids must be texts of 24 hex characters (a driver that
 * gives bytes from some calls is easily missed) and times must be dates.
 */
export function checked(store: Store): Store {
  return new Proxy(store, {
    get(target, method) {
      const member: unknown = Reflect.get(target, method)
      if (typeof member !== 'function') return member
      return async (...input: unknown[]) => {
        const answer: unknown = await Reflect.apply(member, target, input)
        inspect(answer, `${String(method)}()`)
        return answer
      }
    },
  })
}

function inspect(value: unknown, path: string): void {
  if (typeof value !== 'object' || value === null || types.isDate(value)) return
  for (const [key, inner] of Object.entries(value)) {
    const where = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`
    if (ids.has(key))
      assert.ok(typeof inner === 'string' && isId(inner), `${where} is not an id: ${String(inner)}`)
    else if (dates.has(key)) assert.ok(isTime(inner), `${where} is not a time: ${String(inner)}`)
    else if (key !== 'data') inspect(inner, where)
  }
}

const isTime = (value: unknown): boolean => types.isDate(value) && !Number.isNaN(value.getTime())
