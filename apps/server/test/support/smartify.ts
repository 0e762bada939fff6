import { randomUUID } from 'node:crypto'
import { fromUuid, type Id, toUuid } from '@plugboard/core'
import { type Answered, call, callAdmin, clientOf, type TestClient } from './api.js'
import type { TestServer } from './server.js'

/** A member of a project, with what a call of theirs carries. */
export interface Member {
  id: string
  headers: Record<string, string>
}

/** An anonymous user. */
interface Guest extends Member {
  /** With the scheme in front. */
  token: string
}

/** A project of the Smartify API with its owner. */
export interface Project {
  id: string
  owner: Member & { email: string; password: string }
  /** A call below the project; without a member: without credentials. */
  call(method: string, path: string, member?: Member, body?: unknown): Promise<Answered>
  guest(fields?: object): Promise<Guest>
  say(requestId: string, text: string, member: Member): Promise<Answered>
  subscribe(event: string, target: string): Promise<{ _id: string; secret: string }>
  /** The same tenant, as the Messaging API knows it. */
  client(): Promise<TestClient>
}

export const newRequestId = (): string => `support-group-${randomUUID()}`

export const basic = (name: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
})

/** A new project with an owner, made by the operator. */
export async function createProject(server: Pick<TestServer, 'url'>): Promise<Project> {
  const [email, password] = [`${randomUUID()}@example.org`, randomUUID()]
  const { json } = await callAdmin(server, 'POST', '/owners', {
    project: 'new',
    email,
    password,
    firstName: 'Olga',
    lastName: 'Owner',
  })
  const { projectId: id, userId } = json as { projectId: string; userId: string }
  const owner = { id: userId, email, password, headers: basic(email, password) }
  const project: Project = {
    id,
    owner,
    call: (method, path, member, body) =>
      call(server, method, `/api/${id}${path}`, { body, headers: member?.headers ?? {} }),
    async guest(fields = { firstname: 'John' }) {
      const { json } = await call(server, 'POST', '/api/auth/signinAnonymously', {
        body: { id_project: id, ...fields },
      })
      return { id: json.user._id, token: json.token, headers: { authorization: json.token } }
    },
    say: (requestId, text, member) =>
      project.call('POST', `/requests/${requestId}/messages`, member, { text }),
    subscribe: async (event, target) =>
      (await project.call('POST', '/subscriptions', owner, { event, target })).json,
    async client() {
      const uuid = toUuid(id as Id)
      const { json } = await callAdmin(server, 'POST', `/clients/${uuid}/tokens`, {})
      return clientOf(server, { id: uuid, token: json.token, webhooks: [] })
    },
  }
  return project
}

/** The id of this API that a UUID of the Messaging API names. */
export const idOf = (uuid: string): string => fromUuid(uuid) ?? ''
