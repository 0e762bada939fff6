import { setTimeout } from 'node:timers/promises'
import { messageRequest } from './client.js'
import { Connection } from './connection.js'
import type { Server } from './processes/server.js'
import type { SeededConversation } from './seed.js'

const CONNECTIONS = 32
/** Until the server is warm. */
const WARM_MS = 2000

/** Posts to conversations at random beside what is measured, at an even rate as far as the server takes it. */
export class Posts {
  readonly #server: Server
  readonly #requests: readonly Buffer[]
  readonly #perSecond: number
  #sent = 0
  #answers = 0
  #startedAt = 0
  #connections: Connection[] = []
  readonly #free: Connection[] = []
  #timer: NodeJS.Timeout | undefined
  #error: Error | undefined

  constructor(server: Server, conversations: readonly SeededConversation[], perSecond: number) {
    this.#server = server
    this.#requests = conversations.map((conversation) => messageRequest(conversation, conversation))
    this.#perSecond = perSecond
  }

  /** So far. */
  get answers(): number {
    return this.#answers
  }

  async start(): Promise<void> {
    const { url } = this.#server
    this.#connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(url)))
    for (const connection of this.#connections) {
      connection.onError = (error) => {
        this.#error ??= error
      }
    }
    this.#free.push(...this.#connections)
    this.#startedAt = performance.now()
    this.#timer = setInterval(() => this.#post(), 1)
    await setTimeout(WARM_MS)
  }

  /** Answers in a second, until `work` is done. @throws Error if a post failed */
  async rateDuring(work: Promise<unknown>): Promise<number> {
    const [start, before] = [performance.now(), this.#answers]
    await work
    if (this.#error) throw this.#error
    return ((this.#answers - before) / (performance.now() - start)) * 1000
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    while (this.#free.length < this.#connections.length && !this.#error) await setTimeout(1)
    for (const connection of this.#connections) connection.close()
    if (this.#error) throw this.#error
  }

  /** As many as are due, and connections for them are free. */
  #post(): void {
    const due = ((performance.now() - this.#startedAt) * this.#perSecond) / 1000
    while (this.#timer && this.#sent < due) {
      const connection = this.#free.pop()
      if (!connection) return
      const request = this.#requests[Math.floor(Math.random() * this.#requests.length)] as Buffer
      this.#sent += 1
      connection.exchange(request, (status) => {
        if (status !== 201) this.#error ??= new Error(`a post was answered ${status}`)
        this.#answers += 1
        this.#free.push(connection)
        this.#post()
      })
    }
  }
}
