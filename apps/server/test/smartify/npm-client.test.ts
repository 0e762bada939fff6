import { type Listed, type Message, type SignedIn, TiledeskClient } from '@tiledesk/tiledesk-client'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cleanUp, sharedServer } from '../support/server.js'
import { createProject, type Project } from '../support/smartify.js'

const server = sharedServer()
let project: Project
let APIURL: string

const APIKEY = 'never sent'

beforeAll(async () => {
  project = await createProject(server)
  APIURL = `${server.url}/api`
})
afterAll(cleanUp)

/** The answer that a call gives to its callback. */
function answerTo<T>(send: (callback: (error: unknown, result: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => send((error, result) => (error ? reject(error) : resolve(result))))
}

const clientOf = (token: string): TiledeskClient =>
  new TiledeskClient({ APIKEY, projectId: project.id, token, APIURL })

const signInGuest = () =>
  answerTo<SignedIn>((done) => TiledeskClient.anonymousAuthentication(project.id, APIKEY, { APIURL }, done))

async function ownerClient(): Promise<TiledeskClient> {
  const { email, password } = project.owner
  const { token } = await answerTo<SignedIn>((done) =>
    TiledeskClient.authEmailPassword(APIKEY, email, password, { APIURL }, done),
  )
  return clientOf(token)
}

describe('the npm client', () => {
  test('signs a guest in and sends, with a promise or a callback', async () => {
    const { success, token, user } = await signInGuest()
    expect([success, user.firstname]).toEqual([true, `guest#${user._id.slice(0, 4)}`])
    const client = clientOf(token)
    const requestId = TiledeskClient.newRequestId(project.id)
    const first = await client.sendSupportMessage(requestId, { text: 'hello' })
    expect(first).toMatchObject({ text: 'hello', sender: user._id, recipient: requestId })
    expect(first.request.lead.lead_id).toBe(user._id)
    // The client adds the scheme.
    const bare = clientOf(token.slice('JWT '.length))
    const second = await answerTo<Message>((done) =>
      bare.sendSupportMessage(requestId, { text: 'again' }, done),
    )
    expect(second).toMatchObject({ text: 'again', request: { request_id: requestId } })
  })

  test('signs an owner in, lists, gets and closes requests', async () => {
    const { token } = await signInGuest()
    const requestId = TiledeskClient.newRequestId(project.id)
    await clientOf(token).sendSupportMessage(requestId, { text: 'hello' })
    const client = await ownerClient()
    const listed = await answerTo<Listed>((done) => client.getAllRequests({ limit: 100, direction: 1 }, done))
    expect(listed.perPage).toBe(100)
    expect(listed.requests.map(({ request_id }) => request_id)).toContain(requestId)
    expect(await client.getRequestById(requestId)).toMatchObject({ request_id: requestId, status: 200 })
    expect(await client.getRequestById('support-group-nowhere')).toBeNull()
    expect(await client.closeRequest(requestId)).toMatchObject({ status: 1000, closed_by: project.owner.id })
    const open = await answerTo<Listed>((done) => client.getAllRequests(null as never, done))
    expect(open.requests.map(({ request_id }) => request_id)).not.toContain(requestId)
    expect(open.count).toBe(listed.count - 1)
  })

  test('signs an end user in whom a connector vouches for', async () => {
    const { _id, secret } = await project.subscribe('message.create', 'http://127.0.0.1:9/')
    const custom = await new SignJWT({ _id: 'sms-39123', firstname: 'Sam', sub: 'userexternal' })
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience(`https://tiledesk.com/subscriptions/${_id}`)
      .sign(new TextEncoder().encode(secret))
    const { token, user } = await answerTo<SignedIn>((done) =>
      TiledeskClient.customAuthentication(custom, APIKEY, { APIURL }, done),
    )
    expect([token, user._id]).toEqual([`JWT ${custom}`, 'sms-39123'])
    const sent = await clientOf(token).sendSupportMessage('support-group-sms-39123', { text: 'hi' })
    expect(sent.sender).toBe('sms-39123')
  })

  test('hears of what is wrong', async () => {
    const guest = clientOf((await signInGuest()).token)
    await expect(guest.closeRequest('support-group-x')).rejects.toMatchObject({ response: { status: 403 } })
    const wrong = answerTo<SignedIn>((done) =>
      TiledeskClient.authEmailPassword(APIKEY, project.owner.email, 'wrong', { APIURL }, done),
    )
    await expect(wrong).rejects.toMatchObject({ response: { status: 401, data: { success: false } } })
  })
})
