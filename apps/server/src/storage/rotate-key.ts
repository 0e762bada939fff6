import { link, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PlugboardError } from '@plugboard/core'
import {
  accountCollection,
  type ClientRecord,
  KEY_FINGERPRINT,
  Keyring,
  NO_CLIENT,
  resealEndpointStates,
  resealIntegrationStates,
  type Sealed,
  type Store,
} from '@plugboard/hub'
import { databaseOf } from '../config/database.js'
import { makeKey, readKey, syncFolder } from '../config/key-file.js'
import type { Config } from '../config/read-config.js'
import { assertCopied, endCopiesFrom } from './copy/mark.js'
import { openForCommand } from './open-store.js'

const PAGE = 100

/** Result of a rotation: number of re-encrypted clients, and the next step for the operator. */
export interface Rotation {
  clients: number
  next: string
}

/**
 * Encrypts every stored secret with a new key: NEW_ENCRYPTION_KEY, or that of a new key file. An interrupted rotation can
 * be run again. Until it is complete, no server starts on this database. `recorded`: writes it to the audit log.
 * @throws CONFLICT if a server has the database open, or the current key is not the database's
 */
export async function rotateKey(
  config: Config,
  recorded: (store: Store, act: () => Promise<number>) => Promise<number> = (_, act) => act(),
): Promise<Rotation> {
  const { keyFile } = databaseOf(config)
  const oldKey = config.encryptionKey ?? (await readKey(keyFile))
  if (!oldKey) throw new PlugboardError('INVALID', `no key to change: ${keyFile} does not exist`)
  const store = await openForCommand(config)
  try {
    await assertCopied(store)
    await endCopiesFrom(store)
    const newKey = config.newEncryptionKey ?? (await makeKey(nextFile(keyFile)))
    const clients = await recorded(store, () => reseal(store, new Keyring(oldKey), new Keyring(newKey)))
    return { clients, next: await settle(config, keyFile, new Keyring(oldKey).fingerprint) }
  } finally {
    await store.close()
  }
}

/** A rotation marks the store before it changes anything. */
export async function assertNotRotating(store: Store): Promise<void> {
  const isRotating = (await store.getMeta(KEY_FINGERPRINT))?.includes('>')
  if (isRotating)
    throw new PlugboardError('CONFLICT', 'a key rotation was interrupted: run `plugboard rotate-key` again')
}

async function reseal(store: Store, from: Keyring, to: Keyring): Promise<number> {
  if (from.fingerprint === to.fingerprint)
    throw new PlugboardError('INVALID', '"NEW_ENCRYPTION_KEY" must differ from the current key')
  const mark = `${from.fingerprint}>${to.fingerprint}`
  const known = await store.putMetaIfAbsent(KEY_FINGERPRINT, mark)
  if (known === to.fingerprint) return 0
  if (known !== mark && known !== from.fingerprint) throw wrongKey(known)
  await store.putMeta(KEY_FINGERPRINT, mark)
  let clients = 0
  for (let after: ClientRecord | undefined; ; ) {
    const page: ClientRecord[] = await store.listClients({ limit: PAGE, ...(after && { after: after.id }) })
    for (const client of page) {
      await resealClient(store, client, from, to)
      const again = (sealed: Sealed, context: string): Sealed =>
        to.seal(openWithEither(sealed, context, from, to), context)
      await resealEndpointStates(store, client.id, again)
      await resealIntegrationStates(store, client.id, again)
    }
    clients += page.length
    after = page.at(-1)
    if (page.length < PAGE) break
  }
  await resealKeys(store, from, to)
  await store.putMeta(KEY_FINGERPRINT, to.fingerprint)
  return clients
}

/** The secrets of API keys, which are not part of client documents. */
async function resealKeys(store: Store, from: Keyring, to: Keyring): Promise<void> {
  const accounts = accountCollection(store)
  for await (const { id, data } of accounts.walk(NO_CLIENT)) {
    if (data.kind !== 'key') continue
    await accounts.change(NO_CLIENT, id, (known) =>
      known?.kind === 'key'
        ? { ...known, secret: to.seal(openWithEither(known.secret, id, from, to), id) }
        : undefined,
    )
  }
}

function wrongKey(known: string): PlugboardError {
  return new PlugboardError(
    'CONFLICT',
    known.includes('>')
      ? 'another key rotation was interrupted: finish it first, with the same two keys'
      : 'this database uses another encryption key (ENCRYPTION_KEY)',
  )
}

async function resealClient(store: Store, client: ClientRecord, from: Keyring, to: Keyring): Promise<void> {
  const again = (sealed: Sealed): Sealed => to.seal(openWithEither(sealed, client.id, from, to), client.id)
  const isReplaced = await store.replaceClient({
    ...client,
    version: client.version + 1,
    integrations: client.integrations.map((each) => ({ ...each, config: again(each.config) })),
    webhooks: client.webhooks.map(({ former, ...each }) => ({
      ...each,
      token: again(each.token),
      ...(former && { former: { ...former, token: again(former.token) } }),
    })),
  })
  if (!isReplaced)
    throw new PlugboardError('CONFLICT', 'another process changed a client during the rotation')
}

/** After an interrupted rotation, some secrets already have the new key. */
function openWithEither(sealed: Sealed, context: string, from: Keyring, to: Keyring): string {
  try {
    return from.open(sealed, context)
  } catch {
    return to.open(sealed, context)
  }
}

const nextFile = (keyFile: string): string => `${keyFile}.new`

/** Moves the key files to their final paths. Keeps the old key, because database backups need it. */
async function settle(config: Config, keyFile: string, oldFingerprint: string): Promise<string> {
  const oldFile = `${keyFile}.${oldFingerprint.slice(0, 8)}.old`
  if (config.newEncryptionKey) {
    if (!config.encryptionKey) await rename(keyFile, oldFile)
    return 'Set ENCRYPTION_KEY to the new key before the next start.'
  }
  if (!config.encryptionKey) await link(keyFile, oldFile).catch(() => undefined)
  await rename(nextFile(keyFile), keyFile)
  await syncFolder(dirname(keyFile))
  return config.encryptionKey
    ? `Unset ENCRYPTION_KEY before the next start; the new key is in ${keyFile}.`
    : `The new key is in ${keyFile}. Older backups need the old key, in ${oldFile}.`
}
