import { newId } from '@plugboard/core'
import type { Hub, Operator, OperatorSession } from '@plugboard/hub'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { expect, test, vi } from 'vitest'
import { ActionLimits } from '../action-limits.js'
import type { Cookies } from './cookies.js'
import { Sessions } from './sessions.js'

const ada: Operator = {
  ...{ id: newId(), email: 'ada@example.com', role: 'admin', passwordHash: 'old' },
  createdAt: '2026-11-22T08:00:00.000Z',
}

/** Signs Ada in, who is another one by the time that the session begins. */
async function signIn(now: Operator | undefined) {
  const open = new Set<string>()
  const session = { id: newId(), until: '2026-11-29T08:00:00.000Z' } as OperatorSession
  const record = vi.fn(async () => undefined)
  const hub = {
    operators: { find: async () => now },
    operatorSessions: {
      begin: async () => {
        open.add(session.id)
        return { token: 'token', session }
      },
      end: async (id: string) => open.delete(id),
    },
    audit: { record },
  } as unknown as Hub
  const set = vi.fn()
  const sessions = new Sessions(hub, { set } as unknown as Cookies, new ActionLimits())
  const request = { ip: '203.0.113.7', id: 'r-1', headers: {} } as FastifyRequest
  const begun = sessions.ofOperator(ada, request, {} as FastifyReply)
  const code = await begun.then(
    () => 'done',
    (error: { code: string }) => error.code,
  )
  return { code, open: open.size, cookies: set.mock.calls.length, entries: record.mock.calls.length }
}

test('an operator is signed in, also if another network became known meanwhile', async () => {
  const done = { code: 'done', open: 1, cookies: 1, entries: 1 }
  expect(await signIn({ ...ada, knownNetworks: ['x'] })).toEqual(done)
})

test.each([
  ['another password', { ...ada, passwordHash: 'new' }],
  ['been removed', undefined],
])('a sign-in leaves no session if the operator has %s meanwhile', async (_, now) => {
  expect(await signIn(now)).toEqual({ code: 'UNAUTHORIZED', open: 0, cookies: 0, entries: 0 })
})
