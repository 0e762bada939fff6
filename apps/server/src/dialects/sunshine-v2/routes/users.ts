import { isPlugboardError } from '@plugboard/core'
import type { UserFacts } from '@plugboard/hub'
import { z } from 'zod'
import { idempotent } from '../../idempotent.js'
import { badRequest, SunshineError } from '../errors.js'
import { findUser } from '../find.js'
import { externalOf, userJson, withOwn } from '../map.js'
import { changed, mergedMetadata } from '../merge.js'
import { anyQuery, filterOf } from '../pages.js'
import { defineRoute, type Scope } from '../route.js'
import * as schemas from '../schemas.js'

const one = z.object({ user: schemas.user })
const MAX_LISTED = 100

/** The people of an app. */
export function userRoutes(scope: Scope): void {
  const { hub } = scope
  const url = '/apps/:appId/users'
  const common = { tag: 'users', access: 'integration' } as const
  defineRoute(scope, {
    ...common,
    method: 'POST',
    url,
    summary: 'Create a user',
    operationId: 'CreateUser',
    takesKey: true,
    body: schemas.createUser,
    status: 201,
    response: one,
    handle: (input) =>
      idempotent(hub, input, async (id) => {
        const { externalId, brandId, ...fields } = input.body
        const facts = withOwn(factsOf(fields, {}), { brandId })
        if (externalId !== undefined) facts.externalId = externalOf(externalId)
        try {
          return { user: userJson(await hub.users.create(input.client, { id, facts })) }
        } catch (error) {
          throw isPlugboardError(error, 'CONFLICT') ? alreadyExists() : error
        }
      }),
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url,
    summary: 'List the users with an e-mail identity or (ours) an e-mail address in their profile',
    operationId: 'ListUsers',
    isList: true,
    query: anyQuery,
    response: z.object({ users: z.array(schemas.user) }),
    handle: async ({ client, query }) => {
      const identity = filterOf(query, 'identities.email')
      const email = filterOf(query, 'profile.email')
      if ((identity === undefined) === (email === undefined))
        throw badRequest('filter[identities.email] should be given')
      // Nobody has an identity: they come from a help desk that verifies addresses.
      if (email === undefined) return { users: [] }
      const users = await hub.users.listByEmail(client, email, MAX_LISTED)
      return { users: users.map(userJson) }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url: `${url}/:userIdOrExternalId`,
    summary: 'Get a user by id or external id',
    operationId: 'GetUser',
    response: one,
    handle: async ({ client, params }) => ({
      user: userJson(await findUser(hub, client, params.userIdOrExternalId)),
    }),
  })
  defineRoute(scope, {
    ...common,
    method: 'PATCH',
    url: `${url}/:userIdOrExternalId`,
    summary: 'Update a user',
    operationId: 'UpdateUser',
    body: schemas.updateUser,
    response: one,
    missing: 'user',
    handle: async ({ client, params, body }) => {
      const { id } = await findUser(hub, client, params.userIdOrExternalId)
      return { user: userJson(await hub.users.change(client, id, (facts) => factsOf(body, facts))) }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'DELETE',
    url: `${url}/:userIdOrExternalId`,
    summary: 'Delete a user with the conversations that have no other participant',
    operationId: 'DeleteUser',
    response: schemas.empty,
    missing: 'user',
    handle: async ({ client, params }) => {
      const { id } = await findUser(hub, client, params.userIdOrExternalId)
      await hub.participants.deleteUser(client, id)
      return {}
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'DELETE',
    url: `${url}/:userIdOrExternalId/personalinformation`,
    summary: 'Delete the personal data of a user, and keep the conversations',
    operationId: 'DeleteUserPersonalInformation',
    response: one,
    missing: 'user',
    handle: async ({ client, params }) => {
      const { id } = await findUser(hub, client, params.userIdOrExternalId)
      const user = await hub.users.change(client, id, (facts) =>
        changed(facts, { ...NO_PROFILE, metadata: null }),
      )
      return { user: userJson(user) }
    },
  })
}

const NO_PROFILE = { givenName: null, surname: null, email: null, avatarUrl: null, locale: null }

function factsOf(
  { profile, metadata, signedUpAt, toBeRetained }: z.infer<typeof schemas.updateUser>,
  known: UserFacts,
): UserFacts {
  const facts = changed(known, {
    ...(profile === null ? NO_PROFILE : profile),
    signedUpAt: signedUpAt ? new Date(signedUpAt).toISOString() : signedUpAt,
    metadata: mergedMetadata('User', known.metadata, metadata),
  })
  return toBeRetained === undefined ? facts : withOwn(facts, { toBeRetained })
}

const alreadyExists = (): SunshineError =>
  new SunshineError(409, { code: 'conflict', title: 'User already exists' })
