import { expect } from 'vitest'

/** The shapes of answers, as the API's documentation and recorded traffic have them. */

const ID = expect.stringMatching(/^[0-9a-f]{24}$/)
export const UUID = expect.stringMatching(
  /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
)
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
export const TOKEN = expect.stringMatching(/^JWT [\w-]+\.[\w-]+\.[\w-]+$/)

const stamps = { createdAt: TIME, updatedAt: TIME, __v: 0 }

export const message = (projectId: string, recipient: string, sender: string, text: string) => ({
  ...{ _id: ID, sender, senderFullname: expect.any(String), recipient, text, type: 'text' },
  ...{ channel_type: 'group', channel: { name: 'chat21' }, status: 200, id_project: projectId },
  ...{ createdBy: sender, ...stamps },
})

const lead = (projectId: string, guestId: string) => ({
  ...{ _id: ID, lead_id: guestId, fullname: 'John', phone: null, status: 100, tags: [] },
  ...{ id_project: projectId, createdBy: 'system', ...stamps },
})

const requester = (projectId: string, guestId: string) => ({
  ...{ _id: ID, id: ID, uuid_user: guestId, role: 'guest', roleType: 2, id_project: projectId },
  ...{ createdBy: guestId, tags: [], permissions: [], status: 'active', trashed: false, ...stamps },
  ...{ user_available: true, number_assigned_requests: 0, last_login_at: TIME, isAuthenticated: false },
})

const department = (projectId: string) => ({
  ...{ _id: ID, id: ID, name: 'Default Department', routing: 'assigned', default: true, status: 1 },
  ...{ id_project: projectId, createdBy: ID, groups: [], tags: [], hasBot: false, ...stamps },
})

/** A request with one agent, opened by a guest named John. `personal`: what the reader may see of the agent. */
export const request = (
  {
    projectId,
    requestId,
    guestId,
    agentId,
  }: Record<'projectId' | 'requestId' | 'guestId' | 'agentId', string>,
  firstText: string,
  personal: object = {},
) => ({
  ...{ _id: ID, id: ID, request_id: requestId, id_project: projectId, first_text: firstText, status: 200 },
  ...{ participants: [agentId], participantsAgents: [agentId], participantsBots: [], hasBot: false },
  ...{ ticket_id: expect.any(Number), priority: 'medium', preflight: false, followers: [] },
  ...{ requester: requester(projectId, guestId), requester_id: ID, lead: lead(projectId, guestId) },
  ...{ department: department(projectId), channel: { name: 'chat21' }, channelOutbound: { name: 'chat21' } },
  snapshot: {
    ...{ department: department(projectId), availableAgentsCount: 1, agents: [] },
    ...{ requester: requester(projectId, guestId), lead: lead(projectId, guestId) },
  },
  ...{ tags: [], notes: [], assigned_at: TIME, createdBy: guestId, smartAssignment: true, ...stamps },
  participatingAgents: [
    {
      ...{ _id: agentId, firstname: 'Olga', lastname: 'Owner', emailverified: false, status: 100, ...stamps },
      ...personal,
    },
  ],
  participatingBots: [],
})

export const subscription = (projectId: string, ownerId: string, event: string, target: string) => ({
  ...{ _id: ID, target, event, id_project: projectId, createdBy: ownerId, ...stamps },
})
