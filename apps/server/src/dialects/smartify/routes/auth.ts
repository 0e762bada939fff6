import { randomUUID } from 'node:crypto'
import { type JsonObject, PlugboardError } from '@plugboard/core'
import type { Hub, PersonAccount, UserFacts, WithId } from '@plugboard/hub'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { FailureLimit } from '../../../http/passwords/failure-limit.js'
import type { Passwords } from '../../../http/passwords/password-check.js'
import { networkOf } from '../../../http/trusted-proxies.js'
import type { Refusals } from '../../wrong-credentials.js'
import { externalUserIn, guestClaimsOf, personClaimsOf } from '../claims.js'
import { type Credentials, isOfBusiness } from '../credentials.js'
import { failure } from '../errors.js'
import { accountJson, fullNameOf } from '../map-people.js'
import { EXTERNAL_NAMESPACE } from '../names.js'
import type { Requests } from '../requests.js'
import { defineOpenRoute, findOpenProject } from '../route.js'
import { guestBody, signinBody } from '../schemas.js'
import { claimedIn, type ServerTokens } from '../tokens.js'

export interface AuthRoutesOptions {
  hub: Hub
  credentials: Credentials
  passwords: Passwords<WithId<PersonAccount>>
  refusals: Refusals
  requests: Requests
  tokens: ServerTokens
  settings: { guestTokenTtl: number; accountTokenTtl: number; guestRateLimit: number }
}

const WRONG = 'Authentication failed. Wrong e-mail or password.'

/** Sign-in, of end users and of people of the business. */
export function authRoutes(app: FastifyInstance, options: AuthRoutesOptions): void {
  const { hub, credentials, passwords, refusals, requests, tokens, settings } = options
  // Not of failures, but the same count: guests that one address may make.
  const guests = new FailureLimit({ perMinute: settings.guestRateLimit })

  defineOpenRoute(app, {
    method: 'POST',
    url: '/auth/signinAnonymously',
    operationId: 'smartifySignInAnonymously',
    isOpen: true,
    summary: 'Create an anonymous user and a token for it',
    body: guestBody,
    admit({ ip }) {
      const retryAfterMs = guests.waitMs(networkOf(ip))
      if (retryAfterMs > 0)
        throw new PlugboardError('RATE_LIMITED', 'Too many sign-ins. Try again later.', { retryAfterMs })
    },
    handle: async ({ body, request, reply }) => {
      const project = await findOpenProject(hub, body.id_project)
      if ('error' in project) return reply.code(400).send(project)
      guests.failed(networkOf(request.ip))
      const id = randomUUID()
      const { lastname, email, attributes, firstname = `guest#${id.slice(0, 4)}` } = body
      const facts = factsOf({ firstname, lastname, email }, 'guest', attributes)
      const { id: userId } = await hub.users.create(project, {
        facts: { ...facts, externalId: { namespace: EXTERNAL_NAMESPACE, value: id } },
      })
      const user = {
        _id: id,
        firstname,
        ...(lastname !== undefined && { lastname }),
        ...(email !== undefined && { email }),
        ...(attributes && { attributes }),
        id,
        fullName: fullNameOf(firstname, lastname),
      }
      const claims = guestClaimsOf(user, { project: project.id, userId })
      return { success: true, token: await tokens.sign('guest', claims, settings.guestTokenTtl), user }
    },
  })

  defineOpenRoute(app, {
    method: 'POST',
    url: '/auth/signin',
    operationId: 'smartifySignIn',
    isOpen: true,
    summary: 'Create a token for a person of the business, by e-mail and password',
    body: signinBody,
    handle: async ({ body, request, reply }) => {
      const person = await passwords.check({ ...body, from: request.ip })
      if (!person) return refuse(reply, WRONG)
      const user = accountJson(person)
      const claims = personClaimsOf(user, person)
      return { success: true, token: await tokens.sign('user', claims, settings.accountTokenTtl), user }
    },
  })

  defineOpenRoute(app, {
    method: 'POST',
    url: '/auth/signinWithCustomToken',
    operationId: 'smartifySignInWithCustomToken',
    summary: 'Sign in an end user whose identity is signed with the secret of a subscription',
    admit: async (request) => {
      const authorization = request.headers.authorization ?? ''
      const token = authorization.replace(/^JWT\s+/i, '')
      const claimed = token === authorization ? undefined : await claimedIn(token)
      const found =
        claimed?.by === 'subscription' && (await credentials.verifySubscription(token, claimed.id))
      const external = found && externalUserIn(found.claims)
      if (!found || !external) throw refusals.of(request, 'UNAUTHORIZED')
      return { token, found, external }
    },
    handle: async ({ admitted: { token, found, external } }) => {
      // A subscription that signs in end users cannot impersonate an agent.
      if (await isOfBusiness(hub, found.client, external.id))
        throw new PlugboardError('FORBIDDEN', 'this id belongs to an account')
      const { firstname = external.id, lastname, email } = external
      const facts = factsOf({ firstname, lastname, email }, 'user')
      const { id, facts: known } = await requests.findOrMakeUser(found.client, external.id, facts)
      if (isChanged(known, facts)) await hub.users.change(found.client, id, (old) => ({ ...old, ...facts }))
      return { success: true, token: `JWT ${token}`, user: found.claims }
    },
  })
}

function factsOf(
  names: { firstname: string; lastname?: string | undefined; email?: string | undefined },
  role: 'guest' | 'user',
  attributes?: JsonObject,
): Omit<UserFacts, 'externalId'> {
  const { firstname, lastname, email } = names
  return {
    givenName: firstname,
    ...(lastname !== undefined && { surname: lastname }),
    ...(email !== undefined && { email }),
    dialect: { smartify: { role, ...(attributes && { attributes }) } },
  }
}

const isChanged = (known: UserFacts, { givenName, surname, email }: UserFacts): boolean =>
  known.givenName !== givenName || known.surname !== surname || known.email !== email

function refuse(reply: FastifyReply, msg: string): FastifyReply {
  return reply.code(401).send(failure(msg))
}
