import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { mongo } from 'mongoose'

const { deserialize, serialize } = mongo.BSON

type Document = Record<string, unknown>

/** What a server is to answer, given what it did answer, and to what. `command` is unknown for an answer nobody asked for. */
export type Rewrite = (answer: Document, command: Document | undefined) => Document

/** A way to a server over which its answers are others. */
export interface RewrittenServer {
  /** The server's URL, over this way. */
  url: string
  close(): Promise<void>
}

const HEADER = 16
const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013

/** A server that answers what another one answers, as rewritten: for servers that cannot be had in tests. */
export async function rewriteAnswers(mongodbUrl: string, rewrite: Rewrite): Promise<RewrittenServer> {
  const { hostname, port } = new URL(mongodbUrl)
  const sockets = new Set<Socket>()
  const proxy = createServer((inner) => {
    const outer = connect(Number(port), hostname)
    const commands = new Map<number, Document>()
    for (const socket of [inner, outer]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        inner.destroy()
        outer.destroy()
      })
    }
    inner.on(
      'data',
      eachMessage((message) => {
        const command = documentOf(message)
        if (command) commands.set(message.readInt32LE(4), command)
        outer.write(message)
      }),
    )
    outer.on(
      'data',
      eachMessage((message) => {
        const answer = documentOf(message)
        const command = commands.get(message.readInt32LE(8))
        commands.delete(message.readInt32LE(8))
        const rewritten = answer && rewrite(answer, command)
        inner.write(rewritten && rewritten !== answer ? withDocument(message, rewritten) : message)
      }),
    )
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const url = new URL(mongodbUrl)
  url.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`
  url.searchParams.set('directConnection', 'true')
  return {
    url: url.href,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => proxy.close(resolve))
    },
  }
}

/** Calls with each message of the wire that is whole. */
function eachMessage(handle: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= HEADER && rest.length >= rest.readInt32LE(0)) {
      const length = rest.readInt32LE(0)
      handle(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
  }
}

/** Where the document of a message begins: the command, or the answer. */
function startOf(message: Buffer): number | undefined {
  switch (message.readInt32LE(12)) {
    case OP_MSG:
      return message[HEADER + 4] === 0 ? HEADER + 5 : undefined
    case OP_QUERY:
      // Flags, the name of the collection, how many to skip and to return.
      return message.indexOf(0, HEADER + 4) + 9
    case OP_REPLY:
      return HEADER + 20
    default:
      return undefined
  }
}

function documentOf(message: Buffer): Document | undefined {
  const start = startOf(message)
  if (start === undefined) return undefined
  return deserialize(message.subarray(start, start + message.readInt32LE(start)), { promoteLongs: false })
}

function withDocument(message: Buffer, document: Document): Buffer {
  const start = startOf(message) ?? HEADER
  const end = start + message.readInt32LE(start)
  const rewritten = Buffer.concat([message.subarray(0, start), serialize(document), message.subarray(end)])
  rewritten.writeInt32LE(rewritten.length, 0)
  return rewritten
}
