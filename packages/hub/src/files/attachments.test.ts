import { type Id, newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { urls } from '../../test/support/acme-channel.js'
import { keyring, recordOf, storeOf } from '../../test/support/clients.js'
import { MemoryBlobs } from '../../test/support/memory-blobs.js'
import type { ClientView } from '../clients/directory.js'
import { Usage } from '../clients/storage-usage.js'
import { Attachments } from './attachments.js'

const clientOf = (): ClientView => {
  const record = recordOf()
  return { id: record.id, record, webhooks: [], integrations: new Map() }
}

async function* bytes(...pieces: string[]) {
  for (const piece of pieces) yield Buffer.from(piece)
}

function prepare() {
  const client = clientOf()
  const blobs = new MemoryBlobs()
  const conversations = new Set<Id>()
  const deleted = new Set<Id>()
  const store = storeOf({
    findClient: async (by) => (!('id' in by) || deleted.has(by.id) ? undefined : recordOf({ id: by.id })),
    findConversation: async (clientId, id) =>
      conversations.has(id)
        ? { ...{ clientId, id, createdAt: new Date(), endpoints: [], seq: 1 }, kind: 'conversation' }
        : undefined,
  })
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const usage = new Usage({ store: { increment: async () => 0 }, maxBytes: 0, maxCached: 1, log })
  const attachments = new Attachments({ store, blobs, keyring, urls, usage, maxBytes: 10 })
  const read = async (url: string): Promise<string> => {
    const { body } = await attachments.open(urls.attachmentAt(url)?.place as never)
    let text = ''
    for await (const piece of body) text += Buffer.from(piece).toString()
    return text
  }
  const count = async () => (await blobs.list({ limit: 10 })).length
  return { client, blobs, conversations, deleted, attachments, read, count }
}

test('keeps a file, and shows it under its address until it is removed', async () => {
  const { client, attachments, read, count } = prepare()
  const { url, type, size } = await attachments.upload(client, {
    type: 'text/plain',
    body: bytes('he', 'llo'),
  })
  expect([type, size]).toEqual(['text/plain', 5])
  expect(await read(url)).toBe('hello')
  await attachments.remove(client, url.replace('hub.example', 'old.example'))
  await expect(read(url)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(attachments.remove(client, url)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await count()).toBe(0)
})

test('shows nothing under an address that was made up', async () => {
  const { client, attachments, read } = prepare()
  const { url, id } = await attachments.upload(client, { body: bytes('secret') })
  const other = await attachments.upload(client, { body: bytes('other') })
  const mac = urls.attachmentAt(other.url)?.place.mac ?? ''
  const place = { clientId: client.id, id }
  for (const wrong of [mac, '', 'AA', mac.slice(1), `${urls.attachmentAt(url)?.place.mac}AAAA`]) {
    await expect(attachments.open({ ...place, mac: wrong })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  }
  await expect(read(url.replace(client.id, newId()))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await read(url)).toBe('secret')
})

test('removes nothing of another client, and takes no address of others', async () => {
  const { client, attachments, read } = prepare()
  const { url } = await attachments.upload(client, { body: bytes('mine') })
  await expect(attachments.remove(clientOf(), url)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  const forged = urls.attachment({ clientId: client.id, id: newId(), mac: 'A'.repeat(32) })
  await expect(attachments.remove(client, forged)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  for (const foreign of ['https://pictures.example/1.png', 'nonsense', forged.replace('hub', 'their')]) {
    await expect(attachments.remove(client, foreign)).rejects.toMatchObject({ code: 'INVALID' })
  }
  expect(await read(url)).toBe('mine')
})

test('keeps nothing of a file that is too large, or whose conversation is gone before it is there', async () => {
  const { client, attachments, conversations, deleted, count } = prepare()
  const large = { body: bytes('12345', '67890', '1') }
  await expect(attachments.upload(client, large)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  const conversationId = newId()
  const body = bytes('x')
  const early = attachments.upload(client, { conversationId, body })
  await expect(early).rejects.toMatchObject({ code: 'NOT_FOUND' })
  conversations.add(conversationId)
  async function* slow() {
    yield Buffer.from('x')
    conversations.delete(conversationId)
  }
  const late = attachments.upload(client, { conversationId, body: slow() })
  await expect(late).rejects.toMatchObject({ code: 'NOT_FOUND' })
  deleted.add(client.id)
  await expect(attachments.upload(client, { body: bytes('x') })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await count()).toBe(0)
})

test('keeps the name as something to show, and never as a path', async () => {
  const { client, attachments } = prepare()
  const named = async (name: string) => {
    const { url } = await attachments.upload(client, { name, body: bytes('x') })
    return (await attachments.open(urls.attachmentAt(url)?.place as never)).name
  }
  expect(await named('../../etc/pass\u0000wd\n')).toBe('passwd')
  expect(await named('C:\\pictures\\Katze.png')).toBe('Katze.png')
  expect(await named('😀'.repeat(150))).toHaveLength(200)
  expect(await named('/')).toBeUndefined()
})
