import { invalid, PlugboardError } from '@plugboard/core'
import { z } from 'zod'
import { linkSchema, MAX_LINK_SECONDS, wantedLink } from '../../admin-api/sign-in/links.js'
import { parseDuration } from '../../config/duration.js'
import { readConfig } from '../../config/read-config.js'
import {
  clientDetails,
  deleteClient,
  detailsOf,
  listClients,
} from '../../dialects/messaging-v1/admin-clients.js'
import { existingClient } from '../../dialects/messaging-v1/admin-lists.js'
import { clientListResponse } from '../../dialects/messaging-v1/schemas.js'
import { type Operator, operate } from '../store-or-server.js'
import { everyPage, print, table } from './print.js'

export interface ClientCommandOptions {
  json?: boolean | undefined
  url?: string | undefined
}

const PAGE = 500

export async function list({ json, url }: ClientCommandOptions): Promise<void> {
  const clients = await operate(readConfig(), { url }, everyClient)
  const rows = clients.map(({ id, name = '', createdOn }) => [id, createdOn, name])
  print(json, clients, table(['CLIENT', 'CREATED', 'NAME'], rows))
}

/** All clients, oldest first. */
export const everyClient = (operator: Operator): Promise<z.infer<typeof clientListResponse>['clients']> =>
  everyPage(async (after) => {
    const query = { limit: String(PAGE), after }
    const { clients: items } = await operator({
      ...{ method: 'GET', path: '/clients', query, answer: clientListResponse },
      run: (hub) => listClients(hub, { limit: PAGE, after }),
    })
    return { items, ...(items.length === PAGE && { after: items.at(-1)?.id }) }
  })

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

/** Prints a link that opens the console for a client. */
export async function link(
  id: string,
  {
    role,
    expires = '1d',
    name,
    json,
    url,
  }: ClientCommandOptions & {
    role?: string | undefined
    expires?: string | undefined
    name?: string | undefined
  },
): Promise<void> {
  const result = wantedLink.safeParse({
    ...{ role, name },
    expiresIn: (parseDuration(expires, MAX_LINK_SECONDS * 1000) ?? 0) / 1000,
  })
  if (!result.success)
    throw invalid(
      ...result.error.issues.map(({ path: [option] }) => ({
        path: [option === 'expiresIn' ? 'expires' : String(option)],
        message: LINK_OPTIONS[String(option)] ?? 'is invalid',
      })),
    )
  const made = await operate(readConfig(), { url }, (operator) =>
    operator({
      ...{ api: '/admin/v1', path: `${pathOf(id)}/link`, body: result.data, answer: linkSchema },
      audit: 'link.create',
      run: async () => {
        throw new PlugboardError(
          'UNAVAILABLE',
          'only a running server makes links: start it, or give its address with --url',
        )
      },
    }),
  )
  print(json, made, [made.url])
}

const LINK_OPTIONS: Readonly<Record<string, string>> = {
  role: 'must be viewer or operator',
  expiresIn: 'must be a duration such as 12h or 7d, from 1m to 90d',
  name: 'must have 1 to 100 characters',
}

export async function remove(id: string, { json, url }: ClientCommandOptions): Promise<void> {
  await operate(readConfig(), { url }, (operator) =>
    operator({
      ...{ method: 'DELETE', path: pathOf(id), answer: z.undefined(), audit: 'client.delete' },
      run: async (hub, note) => note({}, await deleteClient(hub, id)),
    }),
  )
  print(json, { id }, [`Deleted the client ${id}`])
}

const pathOf = (id: string): string => `/clients/${encodeURIComponent(id)}`
