// A process of its own with the store open, for tests that kill it. argv: path, and what to do:
// `open` says `opened` or why not, and stays; `write` appends without end, and says what was acknowledged.
import { writeSync } from 'node:fs'
import { newId } from '@plugboard/core'

const { sqliteStore } = await import(new URL('../dist/index.js', import.meta.url).href)
const [path, what] = process.argv.slice(2)
const tell = (line) => writeSync(1, `${JSON.stringify(line)}\n`)
const event = (type) => ({ id: newId(), type, payload: '{}', at: new Date(), owes: [target], claim: false })
const clientId = newId()
const target = `w${newId()}`

/** Writes to new conversations, and to one that all writers share, until the process dies or the disk is full. */
async function write(store, shared) {
  for (let round = 0; ; round += 1) {
    const endpoint = { identity: 'bot', sender: newId(), thread: '*' }
    const mapped = await store.mapEndpoint({
      ...{ clientId, channel: { name: 'test', custom: false }, endpoint, at: new Date() },
      ids: { user: newId(), conversation: newId(), endpoint: newId() },
      events: { user: () => event('user.new'), conversation: () => event('conversation.new') },
    })
    for (const { entry } of mapped.appended) tell(entry)
    for (const streamId of [mapped.conversationId, shared.conversationId]) {
      const { owes, ...entry } = {
        ...event('message'),
        author: 'business',
        payload: '"x"'.repeat(round % 50),
      }
      const appended = await store.append({
        clientId,
        streamId,
        kind: 'conversation',
        entry,
        resolve: () => ({ owes }),
      })
      tell(appended.entry)
    }
  }
}

try {
  const store = await sqliteStore({ path })
  tell('opened')
  if (what === 'open') setInterval(() => {}, 1000)
  else {
    const shared = { conversationId: newId() }
    const user = { id: newId(), clientId, createdAt: new Date() }
    await store.createUser(user, event('user.new'))
    const conversation = { id: shared.conversationId, clientId, userId: user.id, createdAt: new Date() }
    await store.createConversation(conversation, event('conversation.new'))
    const results = await Promise.allSettled(Array.from({ length: 32 }, () => write(store, shared)))
    tell({ failed: results.map(({ reason }) => reason.code) })
    await store.close()
  }
} catch (error) {
  tell({ failed: [error.code], message: error.message })
}
