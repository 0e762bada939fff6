import { isPlugboardError } from '@plugboard/core'
import type { Hub, KeyAccount, WithId } from '@plugboard/hub'
import { z } from 'zod'
import { refuseKey } from '../idempotent.js'
import * as schemas from './app-schemas.js'
import { type Access, keyIdOf, parseKeyId } from './credentials.js'
import type { Tag } from './description.js'
import { badRequest, type Missing, notFound } from './errors.js'
import { defineRoute, type RouteInput, type Scope } from './route.js'
import { empty } from './schemas.js'

const MAX_KEYS = 10

/** The words of the domain too, where somebody asks for a key of a channel. */
export const ONLY_CUSTOM = 'API keys are available only for custom integrations'

type Input = Pick<RouteInput<unknown, unknown>, 'client' | 'params'>

/** Whose keys they are, and how this API calls that. */
interface KeyRoutes {
  url: string
  tag: Tag
  access: Access
  /** As in `CreateAppKey`. */
  operation: string
  missing?: Missing
  list(input: Input): Promise<WithId<KeyAccount>[]>
  create(
    input: Input,
    displayName: string,
    limit: { max: number },
  ): Promise<{ key: WithId<KeyAccount>; secret: string }>
}

const one = z.object({ key: schemas.key })

/** Keys of an app and of an integration differ in whose they are, and in nothing else. */
export function defineKeyRoutes(
  scope: Scope,
  { url, tag, access, operation, missing, list, create }: KeyRoutes,
): void {
  const { hub } = scope
  const common = { tag, access, ...(missing && { missing }) }

  /** @throws not_found */
  async function find(input: Input): Promise<WithId<KeyAccount>> {
    const id = parseKeyId(input.params.keyId ?? '')
    const key = (await list(input)).find((each) => each.id === id)
    if (!key) throw notFound()
    return key
  }

  defineRoute(scope, {
    ...common,
    method: 'POST',
    url,
    summary: 'Create a key; its secret can be read again later',
    operationId: `Create${operation}`,
    body: schemas.createKey,
    status: 201,
    response: one,
    handle: async (input) => {
      refuseKey(input)
      const made = await withinLimit(create(input, input.body.displayName, { max: MAX_KEYS }))
      return { key: keyJson(hub, made.key) }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url,
    summary: 'List keys',
    operationId: `List${operation}s`,
    response: z.object({ keys: z.array(schemas.key) }),
    handle: async (input) => ({ keys: (await list(input)).map((key) => keyJson(hub, key)) }),
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url: `${url}/:keyId`,
    summary: 'Get a key',
    operationId: `Get${operation}`,
    response: one,
    handle: async (input) => ({ key: keyJson(hub, await find(input)) }),
  })
  defineRoute(scope, {
    ...common,
    method: 'DELETE',
    url: `${url}/:keyId`,
    summary: 'Delete a key; further requests with it are rejected',
    operationId: `Delete${operation}`,
    response: empty,
    handle: async (input) => {
      await hub.accounts.remove((await find(input)).id)
      return {}
    },
  })
}

/** This API has no conflict of numbers. @throws bad_request */
export async function withinLimit<T>(making: Promise<T>): Promise<T> {
  try {
    return await making
  } catch (error) {
    throw isPlugboardError(error, 'CONFLICT') ? badRequest(error.message) : error
  }
}

const keyJson = (hub: Hub, key: WithId<KeyAccount>) => ({
  id: keyIdOf(key),
  displayName: key.displayName,
  secret: hub.accounts.secretOf(key),
})
