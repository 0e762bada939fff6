import { z } from 'zod'
import { readConfig } from '../../config/read-config.js'
import {
  createKey,
  keyList,
  listKeys,
  madeKey,
  ofKey,
  parseWantedKey,
  revokeKey,
} from '../../dialects/messaging-v1/admin-keys.js'
import { operate } from '../store-or-server.js'
import { everyPage, print, table } from './print.js'

export interface KeyOptions {
  app?: string | undefined
  scope?: string | undefined
  integration?: string | undefined
  name?: string | undefined
  json?: boolean | undefined
  url?: string | undefined
}

export async function create({ app, scope, integration, name, json, url }: KeyOptions): Promise<void> {
  const body = parseWantedKey({
    ...(app !== undefined && { app }),
    ...(scope !== undefined && { scope }),
    ...(integration !== undefined && { integrationId: integration }),
    ...(name !== undefined && { displayName: name }),
  })
  const made = await operate(readConfig(), { url, mayCreate: true }, (operator) =>
    operator({
      ...{ path: '/keys', body, answer: madeKey, audit: 'key.create' },
      run: async (hub, note) => {
        const made = await createKey(hub, body)
        note(...ofKey(made))
        return made
      },
    }),
  )
  const { appId, keyId, secret } = made
  print(json, made, [`App     ${appId}`, `Key     ${keyId}`, `Secret  ${secret}`])
}

export async function list({ app, json, url }: KeyOptions): Promise<void> {
  const keys = await operate(readConfig(), { url }, (operator) =>
    everyPage(async (after) => {
      const query = { app, after }
      const run = { path: '/keys', query, answer: keyList }
      const page = await operator({ method: 'GET', ...run, run: (hub) => listKeys(hub, query) })
      return { ...page, items: page.keys }
    }),
  )
  const rows = keys.map(({ keyId, scope, appId = '', displayName, createdOn }) => [
    keyId,
    scope,
    appId,
    createdOn,
    displayName,
  ])
  print(json, keys, table(['KEY', 'SCOPE', 'APP', 'CREATED', 'NAME'], rows))
}

export async function revoke(keyId: string, { json, url }: KeyOptions): Promise<void> {
  await operate(readConfig(), { url }, (operator) =>
    operator({
      ...{ method: 'DELETE', path: `/keys/${encodeURIComponent(keyId)}`, answer: z.undefined() },
      audit: 'key.revoke',
      run: async (hub, note) => {
        note({ keyId })
        await revokeKey(hub, keyId)
      },
    }),
  )
  print(json, { keyId }, [`Revoked the key ${keyId}`])
}
