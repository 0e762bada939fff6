/**
 * A receiver of webhooks that only counts. It reads of a request only where it ends: on a machine that it
 * shares with what is measured, an HTTP server would take the time that is to be measured.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { now } from '../statistics.js'
import { answerQuestions } from './questions.js'
import type { Arrivals, Mood } from './receiver.js'

const HEAD_END = '\r\n\r\n'
const LENGTH = /\r\ncontent-length: *(\d+)/i
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'
const REFUSED = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n'

/** How long an answer takes, in milliseconds. */
const DELAY_MS = Number(process.argv[2] ?? 0)

const none: Arrivals = { count: 0, firstAt: 0, lastAt: 0, refused: 0 }

let mood: Mood = 'accept'
let arrivals = { ...none }

function arrived(socket: Socket): void {
  if (mood === 'hang') return
  if (mood === 'refuse') {
    arrivals.refused += 1
    socket.write(REFUSED)
    return
  }
  arrivals.lastAt = now()
  if (arrivals.count === 0) arrivals.firstAt = arrivals.lastAt
  arrivals.count += 1
  if (DELAY_MS === 0) socket.write(OK)
  else answerAt(performance.now() + DELAY_MS, socket)
}

/** Blocks a thread for a time that no timer is fine enough for. */
const sleeper = new Int32Array(new SharedArrayBuffer(4))

/**
 * Answers at a time. Timers count whole milliseconds, so that with them alone all clients would get the same rhythm,
 * fast or slow: the last part of a millisecond is slept instead.
 */
function answerAt(dueAt: number, socket: Socket): void {
  const leftMs = dueAt - performance.now()
  if (leftMs >= 1) {
    setTimeout(answerAt, 1, dueAt, socket)
    return
  }
  if (leftMs > 0) Atomics.wait(sleeper, 0, 0, leftMs)
  socket.write(OK)
}

const server = createServer((socket) => {
  let text = ''
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    // Each byte as one character, so that lengths are those of the wire.
    text += chunk.toString('latin1')
    for (let end = endOf(text); end !== undefined; end = endOf(text)) {
      text = text.slice(end)
      arrived(socket)
    }
  })
})

/** Where the first request of the text ends; undefined while it is not all there. */
function endOf(text: string): number | undefined {
  const head = text.indexOf(HEAD_END)
  if (head < 0) return undefined
  const [, length = '0'] = LENGTH.exec(text.slice(0, head)) ?? []
  const end = head + HEAD_END.length + Number(length)
  return end <= text.length ? end : undefined
}

answerQuestions({
  become(next: Mood) {
    mood = next
  },
  reset() {
    arrivals = { ...none }
  },
  arrivals: () => arrivals,
})

server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
