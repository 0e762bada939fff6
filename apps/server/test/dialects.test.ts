import { fromUuid } from '@plugboard/core'
import { afterAll, describe, expect, test } from 'vitest'
import { createClient, type TestClient } from './support/api.js'
import type { Dialect, Line, Side } from './support/dialects/dialect.js'
import { messaging } from './support/dialects/messaging.js'
import { smartify } from './support/dialects/smartify.js'
import { sunshine } from './support/dialects/sunshine.js'
import { type Receiver, startReceiver } from './support/receiver.js'
import { cleanUp, sharedServer } from './support/server.js'

const dialects: readonly Dialect[] = [messaging, sunshine, smartify]

const PATIENT_MS = 20_000

const server = sharedServer()

afterAll(cleanUp)

const newSide = async (dialect: Dialect): Promise<Side & { client: TestClient }> => {
  const client = await createClient(server)
  return { ...(await dialect.of(server, client)), client }
}

const lines: readonly Line[] = [
  { by: 'person', text: 'Is my order on its way?' },
  { by: 'business', text: 'It left "yesterday" \u{1f69a}' },
  { by: 'person', text: 'Thanks' },
]

/** The received messages, in order of arrival. */
const heardBy = (dialect: Dialect, receiver: Receiver): Line[] =>
  receiver.requests.flatMap((request) => dialect.lineOf(request) ?? [])

describe.each(dialects)('by $name', (dialect) => {
  test('what is posted is listed, in its order and with its authors', async () => {
    const side = await newSide(dialect)
    const place = await side.begin()
    for (const line of lines) expect((await side.say(place, line)).status).toBeLessThan(300)
    expect(dialect.linesOf(await side.list(place))).toEqual(lines)
  })

  test('webhooks receive every message once, in order', async () => {
    const side = await newSide(dialect)
    const receiver = await startReceiver()
    await side.subscribe(receiver.url)
    const place = await side.begin()
    for (const line of lines) await side.say(place, line)
    await receiver.until(() => heardBy(dialect, receiver).length >= lines.length, PATIENT_MS)
    expect(heardBy(dialect, receiver)).toEqual(lines)
  })

  test("another client's conversation is treated as unknown", async () => {
    const [side, other] = [await newSide(dialect), await newSide(dialect)]
    const place = await other.begin()
    for (const line of lines) await other.say(place, line)
    const own = await side.begin()
    const theirs = await side.list({ ...own, conversation: place.conversation })
    const unknown = await side.list({ ...own, conversation: dialect.unknown.conversation })
    expect(theirs.status).toBe(dialect.unknown.status)
    expect(theirs.text).toBe(unknown.text)
    expect(dialect.linesOf(await other.list(place))).toEqual(lines)
  })

  test('bad input is refused in words that name the field, and nothing is posted', async () => {
    const side = await newSide(dialect)
    const place = await side.begin()
    await side.say(place, lines[0] as Line)
    for (const [field, mistake] of Object.entries(side.mistakes(place))) {
      const answer = await mistake()
      expect(answer.status, field).toBeGreaterThanOrEqual(400)
      expect(answer.status, field).toBeLessThan(500)
      expect(dialect.wordsOf(answer)).toContain(field)
    }
    expect(dialect.linesOf(await side.list(place))).toEqual([lines[0]])
  })
})

describe('a conversation', () => {
  test.each(dialects.flatMap((writer) => dialects.map((reader) => ({ writer, reader }))))(
    'that is held by $writer.name is read and heard by $reader.name',
    async ({ writer, reader }) => {
      const client = await createClient(server)
      const { conversationId, userId } = await client.converse()
      const ids = { conversationId: fromUuid(conversationId) ?? '', userId: fromUuid(userId) ?? '' }
      const [writing, reading] = await Promise.all([writer.of(server, client), reader.of(server, client)])
      const receiver = await startReceiver()
      await reading.subscribe(receiver.url)
      for (const line of lines)
        expect((await writing.say(writer.placeOf(ids), line)).status).toBeLessThan(300)
      expect(reader.linesOf(await reading.list(reader.placeOf(ids)))).toEqual(lines)
      await receiver.until(() => heardBy(reader, receiver).length >= lines.length, PATIENT_MS)
      expect(heardBy(reader, receiver)).toEqual(lines)
    },
  )
})
