import { MessagingSocket } from '@botpress/messaging-socket'
import { io, type Socket } from 'socket.io-client'
import { expect } from 'vitest'
import type { TestServer } from './server.js'

type At = Pick<TestServer, 'url'>

/** What a user's page keeps to be the same user again. */
export interface Creds {
  userId: string
  userToken: string
}

const open: { close(): unknown }[] = []

/** Closes every socket that is still there; for `afterAll`. */
export function closeSockets(): void {
  for (const each of open.splice(0)) each.close()
}

/** A page with the npm client of sockets, as it is published. */
export interface Page {
  socket: MessagingSocket
  creds: Creds
  /** Messages that came by themselves. */
  messages: { id: string; conversationId: string; authorId?: string; payload: { text?: string } }[]
}

export async function openPage(
  server: At,
  clientId: string,
  { creds, userData }: { creds?: Creds; userData?: Record<string, string> } = {},
): Promise<Page> {
  const socket = new MessagingSocket({ url: server.url, clientId })
  open.push({ close: () => socket.disconnect() })
  const messages: Page['messages'] = []
  socket.on('message', async (message) => void messages.push(message as unknown as Page['messages'][number]))
  const made = await socket.connect(creds, userData)
  return { socket, creds: made as Creds, messages }
}

/** Any packet that a server sends. */
interface Packet {
  request?: string
  type?: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into many shapes, and assert each
  data: any
}

/** A socket of socket.io, with what a page need not show. */
export interface Dialled {
  socket: Socket
  /** The data of each `login`. */
  logins: Creds[]
  /** The offset that came with each of them: where a client continues. */
  offsets: string[]
  /** Packets that came without being asked for. */
  pushes: Packet[]
  /** The same of messages, as texts. */
  texts(): string[]
  /** Sends a request, and resolves with the data of its reply. */
  ask(type: string, data?: unknown): Promise<Packet['data']>
  close(): void
}

export interface DialOptions {
  auth: unknown
  query?: Record<string, string>
  headers?: Record<string, string>
}

/** Opens a socket. Rejects with the error of the connection. */
export async function dial({ url }: At, { auth, query = {}, headers = {} }: DialOptions): Promise<Dialled> {
  const socket = io(url, {
    ...{ transports: ['websocket'], forceNew: true, autoConnect: false, reconnectionDelay: 100 },
    ...{ auth: auth as Record<string, unknown>, query, extraHeaders: headers, reconnectionDelayMax: 200 },
  })
  const close = () => socket.disconnect()
  open.push({ close })
  const logins: Creds[] = []
  const offsets: string[] = []
  const pushes: Packet[] = []
  const waiting = new Map<string, (data: Packet['data']) => void>()
  socket.on('login', (login: Creds, offset: string) => {
    logins.push(login)
    offsets.push(offset)
  })
  socket.on('message', (packet: Packet) => {
    const answer = waiting.get(packet.request ?? '')
    if (!packet.request) pushes.push(packet)
    waiting.delete(packet.request ?? '')
    answer?.(packet.data)
  })
  let count = 0
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('login', () => resolve())
    socket.once('connect_error', reject)
  })
  socket.connect()
  await connected.catch((error) => {
    close()
    throw error
  })
  return {
    ...{ socket, logins, offsets, pushes, close },
    texts: () =>
      pushes.flatMap(({ type, data }) => (type === 'message.new' ? [data.message.payload.text] : [])),
    ask: (type, data = {}) =>
      new Promise((resolve) => {
        count += 1
        const request = `r${count}`
        waiting.set(request, resolve)
        socket.emit('message', { request, type, data })
      }),
  }
}

/** A user that was made for a socket, with a conversation. */
export async function guestWithConversation(server: At, clientId: string) {
  const page = await dial(server, { auth: { clientId } })
  const conversation = await page.ask('conversations.create')
  expect(conversation.userId).toBe(page.logins[0]?.userId)
  return { page, creds: page.logins[0] as Creds, conversationId: conversation.id as string }
}
