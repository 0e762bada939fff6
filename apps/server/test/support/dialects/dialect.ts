import type { Answered, TestClient } from '../api.js'
import type { Received } from '../receiver.js'
import type { TestServer } from '../server.js'

/** What a test says in any dialect. */
export interface Line {
  by: 'person' | 'business'
  text: string
}

/** A conversation of a person with the business, in the ids of a dialect. */
interface Place {
  conversation: string
  person: string
  /** Goes with requests of the person, where the dialect has credentials of theirs. */
  token?: string
}

/** One client's side of a dialect. */
export interface Side {
  /** A new person with a conversation. */
  begin(): Promise<Place>
  say(place: Place, line: Line): Promise<Answered>
  list(place: Place): Promise<Answered>
  /** Tells a URL of every message from now on. */
  subscribe(url: string): Promise<void>
  /** Requests that are wrong: the words that name the fault, and the request. */
  mistakes(place: Place): Record<string, () => Promise<Answered>>
}

/** A wire API, as the tests that are written once see it. */
export interface Dialect {
  name: string
  of(server: Pick<TestServer, 'url'>, client: TestClient): Promise<Side>
  /** The lines of an answered list, the oldest first. */
  linesOf(answer: Answered): Line[]
  /** The message of a webhook request; undefined for other events. */
  lineOf(request: Received): Line | undefined
  /** The place of a conversation that another dialect began, by our own ids (24 hex). */
  placeOf(ids: { conversationId: string; userId: string }): Place
  /** What an unknown conversation is answered with. */
  unknown: { conversation: string; status: number }
  /** The words of a refusal. @throws when it is not in the dialect's own form */
  wordsOf(answer: Answered): string
}
