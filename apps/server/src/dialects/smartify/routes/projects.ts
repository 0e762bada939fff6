import { PlugboardError } from '@plugboard/core'
import type { Hub } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import type { Credentials } from '../credentials.js'
import { roleTooLow } from '../errors.js'
import { membershipJson, projectJson } from '../map-project.js'
import { defineOpenRoute, parse } from '../route.js'
import { projectBody } from '../schemas.js'

/** Projects that one person may make: each is a client of its own. */
const MAX_PROJECTS = 100

/** Projects, for people of the business. */
export function ownProjectRoutes(app: FastifyInstance, hub: Hub, credentials: Credentials): void {
  defineOpenRoute(app, {
    method: 'POST',
    url: '/projects',
    summary: 'Make a project; the caller owns it',
    handle: async ({ request }) => {
      const caller = await credentials.identify(request)
      if (caller.kind !== 'person') throw roleTooLow()
      const { name } = parse(projectBody, 'body', request.body)
      const { id, memberships } = caller.person
      if (memberships.length >= MAX_PROJECTS)
        throw new PlugboardError('CONFLICT', `at most ${MAX_PROJECTS} projects are possible`)
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
    summary: "The caller's projects",
    handle: async ({ request }) => {
      const caller = await credentials.identify(request)
      if (caller.kind !== 'person') throw roleTooLow()
      const { person } = caller
      const projects = person.memberships.map(async ({ clientId, role }) => {
        const client = await hub.clients.find({ id: clientId })
        return client && membershipJson(person, role, projectJson(client, await hub.clients.facts(clientId)))
      })
      return (await Promise.all(projects)).filter((project) => project !== undefined)
    },
  })
}
