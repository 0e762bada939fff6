import type { Hub } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { idempotent, refuseKey } from '../../idempotent.js'
import { idOf } from '../ids.js'
import { tokenText, userJson } from '../map.js'
import { defineRoute } from '../route.js'
import * as schemas from '../schemas.js'

/** The people of a client. */
export function userRoutes(app: FastifyInstance, hub: Hub): void {
  defineRoute(app, {
    method: 'POST',
    url: '/users',
    operationId: 'messagingCreateUser',
    takesKey: true,
    tag: 'users',
    summary: 'Create a user',
    responses: { 201: schemas.userResponse },
    handle: async (input) => {
      const user = await idempotent(hub, input, (id) => hub.users.create(input.client, { id }))
      return userJson(input.client, user)
    },
  })
  defineRoute(app, {
    method: 'GET',
    url: '/users/:id',
    operationId: 'messagingGetUser',
    tag: 'users',
    summary: 'Get a user',
    params: schemas.idParams,
    responses: { 200: schemas.userResponse },
    handle: async ({ client, params }) => userJson(client, await hub.users.view(client, idOf(params.id))),
  })
  defineRoute(app, {
    method: 'POST',
    url: '/users/tokens',
    operationId: 'messagingCreateUserToken',
    errors: [404],
    tag: 'users',
    summary: 'Create a token with which a user can act',
    body: schemas.userTokenBody,
    responses: { 201: schemas.clientResponse },
    handle: async (input) => {
      refuseKey(input)
      const { userId, expiresIn } = input.body
      const expiresAt = expiresIn === undefined ? {} : { expiresAt: new Date(Date.now() + expiresIn * 1000) }
      const token = await hub.users.createToken(input.client, idOf(userId), expiresAt)
      const text = tokenText(token)
      return { id: text.split('.')[0], token: text }
    },
  })
  defineRoute(app, {
    method: 'DELETE',
    url: '/users/:id/tokens',
    operationId: 'messagingRevokeUserTokens',
    tag: 'users',
    summary: 'Revoke all tokens of a user; what runs on them ends',
    params: schemas.idParams,
    responses: { 204: undefined },
    handle: ({ client, params }) => hub.users.revokeTokens(client, idOf(params.id)),
  })
}
