import { PlugboardError } from '@plugboard/core'
import type { Hub, PersonAccount, WithId } from '@plugboard/hub'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Credentials } from '../credentials.js'
import { roleTooLow } from '../errors.js'
import { membershipJson, projectJson } from '../map-project.js'
import { defineOpenRoute } from '../route.js'
import { projectBody } from '../schemas.js'

/** Maximum projects created by one person: each is a client. */
const MAX_PROJECTS = 100

/** Projects, for people of the business. */
export function ownProjectRoutes(app: FastifyInstance, hub: Hub, credentials: Credentials): void {
  /** @throws FORBIDDEN unless the caller is a person of the business */
  async function admit(request: FastifyRequest): Promise<WithId<PersonAccount>> {
    const caller = await credentials.identify(request)
    if (caller.kind !== 'person') throw roleTooLow()
    return caller.person
  }

  defineOpenRoute(app, {
    method: 'POST',
    url: '/projects',
    operationId: 'smartifyCreateProject',
    summary: 'Create a project, owned by the caller',
    body: projectBody,
    admit,
    handle: async ({ body: { name }, admitted: { id, memberships } }) => {
      if (memberships.length >= MAX_PROJECTS)
        throw new PlugboardError('CONFLICT', `at most ${MAX_PROJECTS} projects are allowed`)
      const facts = { displayName: name, createdBy: id }
      const { client } = await hub.clients.create({ facts, acceptsGuests: true })
      await hub.accounts.changePerson(id, (person) => ({
        ...person,
        memberships: [...person.memberships, { clientId: client.id, role: 'owner' }],
      }))
      return projectJson(client, facts)
    },
  })

  defineOpenRoute(app, {
    method: 'GET',
    url: '/projects',
    operationId: 'smartifyListProjects',
    summary: "The caller's projects",
    admit,
    handle: async ({ admitted: person }) => {
      const projects = person.memberships.map(async ({ clientId, role }) => {
        const client = await hub.clients.find({ id: clientId })
        return client && membershipJson(person, role, projectJson(client, await hub.clients.facts(clientId)))
      })
      return (await Promise.all(projects)).filter((project) => project !== undefined)
    },
  })
}
