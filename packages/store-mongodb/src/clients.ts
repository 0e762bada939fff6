import { type Id, PlugboardError } from '@plugboard/core'
import type { ClientRecord, IntegrationRecord, Range, Sealed } from '@plugboard/hub'
import type { ClientDoc } from './database/document-types.js'
import { isTaken } from './database/failure.js'
import { findRange } from './database/ranges.js'
import type { Models } from './database/schemas.js'
import { idOf, oid } from './encoding.js'

/** Below every other id. */
const FIRST = '0'.repeat(24) as Id

/** No text has a later one: it is no character. */
const LAST_CHARACTER = '\u{10ffff}'

/** Clients, each a document with its whole configuration. */
export class Clients {
  readonly #clients: Models['clients']

  constructor({ clients }: Models) {
    this.#clients = clients
  }

  insert(client: ClientRecord): Promise<void> {
    const inserts = [{ insertOne: { document: toDoc(client) } }]
    return refuseTaken(async () => {
      await this.#clients.bulkWrite(inserts as never, { timestamps: false })
    })
  }

  async find(by: { id: Id } | { externalId: string } | { name: string }): Promise<ClientRecord | undefined> {
    const filter = 'id' in by ? { _id: oid(by.id) } : by
    const doc = await this.#clients.findOne(filter).lean<ClientDoc>()
    return doc ? toClient(doc) : undefined
  }

  /** Answers false, and writes nothing, when it is not one version ahead. */
  replace(client: ClientRecord): Promise<boolean> {
    const { _id, ...doc } = toDoc(client)
    return refuseTaken(async () => {
      const stored = { _id, version: client.version - 1 }
      const { modifiedCount } = await this.#clients.replaceOne(stored, doc as never)
      return modifiedCount > 0
    })
  }

  async list(range: Range): Promise<ClientRecord[]> {
    // Without a bound the server would not walk the index.
    const docs = await findRange(this.#clients, {}, '_id', { after: FIRST, ...range })
    return docs.map(toClient)
  }

  async named(prefix: string, { limit, after }: { limit: number; after?: string }): Promise<ClientRecord[]> {
    const from = after !== undefined && after >= prefix ? { $gt: after } : { $gte: prefix }
    const docs = await this.#clients
      .find({ name: { ...from, $lt: `${prefix}${LAST_CHARACTER}`, $type: 'string' } })
      .sort({ name: 1 })
      .limit(limit)
      .lean<ClientDoc[]>()
    return docs.map(toClient)
  }
}

async function refuseTaken<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!isTaken(error)) throw error
    throw new PlugboardError('CONFLICT', 'a client with this id or name exists already', { cause: error })
  }
}

const withDocId = <T extends { id: Id }>({ id, ...rest }: T) => ({ _id: oid(id), ...rest })
const withId = <T extends { _id: ClientDoc['_id'] }>({ _id, ...rest }: T) => ({ id: idOf(_id), ...rest })

export const toDoc = ({ id, tokens, integrations, webhooks, ...rest }: ClientRecord): ClientDoc => ({
  _id: oid(id),
  ...rest,
  tokens: tokens.map(withDocId),
  integrations: integrations.map(withDocId),
  webhooks: webhooks.map(withDocId),
})

export const toClient = ({ _id, tokens, integrations, webhooks, ...rest }: ClientDoc): ClientRecord => ({
  id: idOf(_id),
  ...rest,
  tokens: tokens.map(withId),
  integrations: integrations.map((doc): IntegrationRecord => {
    const { config, ...integration } = withId(doc)
    return { ...integration, config: config as Sealed }
  }),
  webhooks: webhooks.map((doc) => {
    const { ownerId, former, ...webhook } = withId(doc)
    return {
      ...{ ...webhook, token: doc.token as Sealed },
      ...(former && { former: { ...former, token: former.token as Sealed } }),
      ...(ownerId && { ownerId: ownerId as Id }),
    }
  }),
})
