import { newId } from '@plugboard/core'
import type { ClientRecord, Sealed } from '../../ports/client-record.js'
import { idsOf, refuses, same } from './assertions.js'
import { keepsRanges, scatteredIds } from './ranges.js'
import type { Cases, Scene } from './scene.js'

/** One tenant with its whole configuration, in one versioned document. */
export const clientCases: Cases = {
  'a client is found whole by its id, its external id and its name': async (scene) => {
    const client = await scene.client({ ...configuration(scene), externalId: 'ext', name: 'shop' })
    const other = await scene.client({ ...configuration(scene), externalId: 'shop', name: 'ext' })
    for (const each of [client, other]) {
      same(await scene.store.findClient({ id: each.id }), each)
      same(await scene.store.findClient({ externalId: each.externalId ?? '' }), each)
      same(await scene.store.findClient({ name: each.name ?? '' }), each)
    }
  },

  'a client that was never inserted is not found': async (scene) => {
    await scene.client({ externalId: 'ext', name: 'shop' })
    same(await scene.store.findClient({ id: newId() }), undefined)
    same(await scene.store.findClient({ externalId: 'another' }), undefined)
    same(await scene.store.findClient({ name: 'another' }), undefined)
  },

  'any number of clients have neither external id nor name': async (scene) => {
    const first = await scene.client()
    const second = await scene.client()
    same(await scene.store.findClient({ id: first.id }), first)
    same(await scene.store.findClient({ id: second.id }), second)
  },

  'insertClient refuses an id, an external id and a name that are taken, and writes nothing then': async (
    scene,
  ) => {
    const taken = await scene.client({ externalId: 'ext', name: 'shop' })
    const others = [{ id: taken.id }, { externalId: 'ext' }, { name: 'shop' }]
    for (const fields of others) {
      await refuses(
        'CONFLICT',
        scene.store.insertClient(scene.clientRecord({ ...fields, tokens: [token(scene)] })),
      )
    }
    same(await scene.store.listClients({ limit: 10 }), [taken])
  },

  'of ten who insert one name at once one wins, and the others are refused': async (scene) => {
    const records = Array.from({ length: 10 }, () => scene.clientRecord({ name: 'shop' }))
    const results = await Promise.allSettled(records.map((record) => scene.store.insertClient(record)))
    const [winner, ...more] = records.filter((_, index) => results[index]?.status === 'fulfilled')
    same(more, [])
    same(await scene.store.findClient({ name: 'shop' }), winner)
    for (const result of results)
      if (result.status === 'rejected') await refuses('CONFLICT', Promise.reject(result.reason))
  },

  'replaceClient writes the whole document when it is one version ahead': async (scene) => {
    const client = await scene.client({ ...configuration(scene), externalId: 'ext', name: 'shop' })
    const next = { ...client, ...configuration(scene), version: 2, deletedAt: scene.tick() }
    same(await scene.store.replaceClient(next), true)
    same(await scene.store.findClient({ id: client.id }), next)
  },

  'replaceClient answers false and writes nothing when the version is any other, or the client unknown':
    async (scene) => {
      const client = await scene.client({ version: 5 })
      for (const version of [4, 5, 7]) {
        same(await scene.store.replaceClient({ ...client, name: 'changed', version }), false)
      }
      same(await scene.store.replaceClient(scene.clientRecord({ version: 2 })), false)
      same(await scene.store.listClients({ limit: 10 }), [client])
    },

  'of ten who replace a client at once one wins, and its document stands there whole': async (scene) => {
    const client = await scene.client(configuration(scene))
    const changes = Array.from({ length: 10 }, () => ({ ...client, ...configuration(scene), version: 2 }))
    const results = await Promise.all(changes.map((change) => scene.store.replaceClient(change)))
    const winners = changes.filter((_, index) => results[index])
    same(winners.length, 1)
    same(await scene.store.findClient({ id: client.id }), winners[0])
  },

  'a client that is renamed is found by its new name, and its old one is free': async (scene) => {
    const client = await scene.client({ name: 'old' })
    const renamed = { ...client, name: 'new', version: 2 }
    same(await scene.store.replaceClient(renamed), true)
    same(await scene.store.findClient({ name: 'old' }), undefined)
    same(await scene.store.findClient({ name: 'new' }), renamed)
    const heir = await scene.client({ name: 'old' })
    same(await scene.store.findClient({ name: 'old' }), heir)
  },

  'a client that gives its name up frees it': async (scene) => {
    const { name: _, ...client } = await scene.client({ name: 'shop' })
    same(await scene.store.replaceClient({ ...client, version: 2 }), true)
    same(await scene.store.findClient({ name: 'shop' }), undefined)
    same(await scene.store.findClient({ id: client.id }), { ...client, version: 2 })
  },

  'replaceClient refuses a name that is taken, and writes nothing then': async (scene) => {
    const taken = await scene.client({ name: 'shop' })
    const client = await scene.client({ name: 'mine' })
    await refuses('CONFLICT', scene.store.replaceClient({ ...client, name: 'shop', version: 2 }))
    same(await scene.store.findClient({ name: 'shop' }), taken)
    same(await scene.store.findClient({ name: 'mine' }), client)
  },

  'clients are found by the beginning of their name, in its order, in pages of any size': async (scene) => {
    const names = [
      'Shop',
      'sho',
      'shop',
      'shop 1',
      'shop 10',
      'shop 2',
      'shop\u{1f600}',
      'shoq',
      '%',
      'shop_%',
    ]
    for (const name of names) await scene.client({ name })
    await scene.client()
    const found = async (prefix: string, limit = 20) => {
      const all: (string | undefined)[] = []
      for (let page: ClientRecord[] | undefined; page?.length !== 0 && all.length < 50; ) {
        const after = all.at(-1)
        page = await scene.store.findClients(prefix, { limit, ...(after !== undefined && { after }) })
        same(page.length <= limit, true)
        all.push(...page.map(({ name }) => name))
      }
      return all
    }
    const shops = ['shop', 'shop 1', 'shop 10', 'shop 2', 'shop_%', 'shop\u{1f600}']
    for (const limit of [1, 2, 20]) same(await found('shop', limit), shops)
    same(await found('shop 1'), ['shop 1', 'shop 10'])
    same(await found('%'), ['%'])
    same(await found('shop_'), ['shop_%'])
    same(await found('shops'), [])
    same((await found('')).length, names.length)
  },

  'clients are listed from either end and between any two': async (scene) => {
    const ids = scatteredIds(6)
    for (const id of ids) await scene.client({ id })
    await keepsRanges(ids, (range) => scene.store.listClients(range))
  },

  'clients are listed in order of id, in pages of any size': async (scene) => {
    const records = Array.from({ length: 7 }, () => scene.clientRecord())
    for (const index of [3, 0, 6, 1, 5, 2, 4]) await scene.store.insertClient(records[index] as ClientRecord)
    for (const limit of [1, 2, 3, 7, 8]) same(idsOf(await walk(scene, limit)), idsOf(records))
    same(await scene.store.listClients({ limit: 10 }), records)
  },
}

/** Reads the list of clients to its end. */
async function walk({ store }: Scene, limit: number): Promise<ClientRecord[]> {
  const all: ClientRecord[] = []
  for (let page: ClientRecord[] | undefined; page?.length !== 0 && all.length < 100; all.push(...page)) {
    const after = all.at(-1)?.id
    page = await store.listClients({ limit, ...(after && { after }) })
    same(page.length <= limit, true)
  }
  return all
}

const token = (scene: Scene) => ({ id: newId(), hash: 'a'.repeat(64), createdAt: scene.tick() })

/** Everything that a client's document can hold, different with each call. */
function configuration(
  scene: Scene,
): Pick<
  ClientRecord,
  | 'tokens'
  | 'integrations'
  | 'formerIntegrations'
  | 'webhooks'
  | 'acceptsGuests'
  | 'maxStoredBytes'
  | 'isStreamed'
  | 'disabled'
> {
  const sealed = () => `v1.${newId()}==` as Sealed
  const integration = { id: newId(), version: '1.0.0', config: sealed() }
  return {
    acceptsGuests: true,
    maxStoredBytes: 2 ** 40,
    isStreamed: true,
    disabled: { at: scene.tick(), reason: 'the "invoice"' },
    tokens: [token(scene), token(scene)],
    integrations: [
      // As versions before names wrote it.
      { ...integration, channel: 'telegram', status: 'active' },
      {
        ...{ ...integration, id: newId(), channel: 'telegram', status: 'pending' },
        ...{ name: 'support', key: 'sales' },
      },
      {
        ...integration,
        id: newId(),
        channel: 'slack',
        status: 'paused',
        reason: 'invalid_auth: "no"',
        isUnproven: true,
        pausedAt: scene.tick(),
      },
    ],
    formerIntegrations: [{ channel: 'telegram', name: 'desk', key: 'counter' }],
    webhooks: [
      { id: newId(), url: 'https://bot.example/a?b=c&d=%20', token: sealed(), format: 'messaging-v1' },
      {
        ...{ id: newId(), url: 'https://bot.example/b', token: sealed(), format: 'other' },
        ...{
          events: ['one', 'two'],
          ownerId: newId(),
          createdAt: scene.tick(),
          settings: { a: [1, null] },
        },
        ...{ isGone: true, pausedAt: scene.tick(), former: { token: sealed(), until: scene.tick() } },
      },
      { id: newId(), url: 'pull:default', mode: 'pull', token: sealed(), format: 'messaging-v1' },
    ],
  }
}
