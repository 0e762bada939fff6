import { z } from 'zod'
import { readConfig } from '../../config/read-config.js'
import {
  clientDetails,
  deleteClient,
  detailsOf,
  listClients,
} from '../../dialects/messaging-v1/admin-clients.js'
import { existingClient } from '../../dialects/messaging-v1/admin-lists.js'
import { clientListResponse } from '../../dialects/messaging-v1/schemas.js'
import { operate } from '../task.js'
import { everyPage, print, table } from './print.js'

export interface ClientCommandOptions {
  json?: boolean | undefined
  url?: string | undefined
}

const PAGE = 500

export async function list({ json, url }: ClientCommandOptions): Promise<void> {
  const clients = await operate(readConfig(), { url }, (operator) =>
    everyPage(async (after) => {
      const query = { limit: String(PAGE), after }
      const { clients: items } = await operator({
        ...{ method: 'GET', path: '/clients', query, answer: clientListResponse },
        run: (hub) => listClients(hub, { limit: PAGE, after }),
      })
      return { items, ...(items.length === PAGE && { after: items.at(-1)?.id }) }
    }),
  )
  const rows = clients.map(({ id, name = '', createdOn }) => [id, createdOn, name])
  print(json, clients, table(['CLIENT', 'CREATED', 'NAME'], rows))
}

export async function show(id: string, { json, url }: ClientCommandOptions): Promise<void> {
  const client = await operate(readConfig(), { url }, (operator) =>
    operator({
      ...{ method: 'GET', path: pathOf(id), answer: clientDetails },
      run: async (hub) => detailsOf(hub, await existingClient(hub, id)),
    }),
  )
  const facts = [
    ['Client', client.id],
    ['Hex id', client.hexId],
    ...(client.name === undefined ? [] : [['Name', client.name]]),
    ['Created', client.createdOn],
    ['Tokens', String(client.tokens)],
    ['Guests', client.guests ? 'yes' : 'no'],
    ['Storage limit', client.maxStoredBytes === null ? 'CLIENT_MAX_SIZE' : `${client.maxStoredBytes} bytes`],
    ...Object.entries(client.channels).map(([channel, status]) => ['Channel', `${channel}: ${status}`]),
    ...client.webhooks.map(({ url: place, state, lastFailure, counts }) => {
      const { delivered, failed, dead } = counts
      const why = state === 'active' || !lastFailure ? '' : ` (${lastFailure.message})`
      return ['Webhook', `${place}: ${state}${why}; ${delivered} delivered, ${failed} failed, ${dead} dead`]
    }),
    ...(client.otherWebhooks === 0 ? [] : [['Webhooks', `${client.otherWebhooks} of other APIs`]]),
  ]
  print(
    json,
    client,
    facts.map(([name = '', value = '']) => `${name.padEnd(15)}${value}`),
  )
}

export async function remove(id: string, { json, url }: ClientCommandOptions): Promise<void> {
  await operate(readConfig(), { url }, (operator) =>
    operator({
      ...{ method: 'DELETE', path: pathOf(id), answer: z.undefined() },
      run: async (hub) => void (await deleteClient(hub, id)),
    }),
  )
  print(json, { id }, [`Deleted the client ${id}`])
}

const pathOf = (id: string): string => `/clients/${encodeURIComponent(id)}`
