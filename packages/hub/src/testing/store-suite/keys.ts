import { type Id, newId } from '@plugboard/core'
import type { KeyClaim } from '../../ports/store.js'
import { atOnce, only, same } from './assertions.js'
import type { Cases, Scene } from './scene.js'

/** Idempotency keys, with the id of what their requests make. */
export const keyCases: Cases = {
  'a key is fresh once, and then answers what it was claimed for': async (scene) => {
    const first = await aClaim(scene)
    same(await claim(scene, first), { ...first, fresh: true })
    const second = { ...first, id: newId(), hash: 'other', at: scene.tick() }
    same(await claim(scene, second), { ...first, fresh: false })
    same(await claim(scene, first), { ...first, fresh: false })
  },

  'of twenty who claim a key at once one is first, and all are answered its claim': async (scene) => {
    const { clientId, key } = await aClaim(scene)
    const answers = await atOnce(20, (index) =>
      claim(scene, { clientId, key, hash: `hash ${index}`, id: newId(), at: scene.tick() }),
    )
    const { fresh: _, ...first } = only(answers.filter(({ fresh }) => fresh))
    for (const { fresh: __, ...answer } of answers) same(answer, first)
    same(await claim(scene, { ...first, id: newId() }), { ...first, fresh: false })
  },

  'a key belongs to its client, and keys that differ at all are different': async (scene) => {
    const first = await aClaim(scene)
    await claim(scene, first)
    const others = [
      { ...first, clientId: (await scene.client()).id },
      ...['POST /messages key', 'post /messages Key', 'POST /messages Key ', 'POST /messages'].map((key) => ({
        ...first,
        key,
      })),
    ]
    for (const other of others) same((await claim(scene, { ...other, id: newId() })).fresh, true)
  },

  'a key that is older than asked for is fresh again, for one': async (scene) => {
    const first = await aClaim(scene)
    await claim(scene, first)
    same((await claim(scene, { ...first, id: newId() }, first.at)).fresh, false)
    const later = new Date(first.at.getTime() + 1)
    const answers = await atOnce(20, () => claim(scene, { ...first, id: newId(), at: scene.tick() }, later))
    const { fresh: _, ...second } = only(answers.filter(({ fresh }) => fresh))
    for (const { fresh: __, ...answer } of answers) same(answer, second)
    same(await claim(scene, first, later), { ...second, fresh: false })
  },

  'purgeKeys removes keys claimed before a time, at most so many at once': async (scene) => {
    const claims: KeyClaim[] = []
    for (let index = 0; index < 5; index += 1) claims.push(await aClaim(scene))
    for (const each of claims) await claim(scene, each)
    const [, , , fourth] = claims
    const before = fourth?.at ?? scene.now
    const counts = [await scene.store.purgeKeys(before, 2), await scene.store.purgeKeys(before, 2)]
    same([...counts, await scene.store.purgeKeys(before, 2)], [2, 1, 0])
    const fresh: boolean[] = []
    for (const each of claims) fresh.push((await claim(scene, { ...each, id: newId() })).fresh)
    same(fresh, [true, true, true, false, false])
  },
}

async function aClaim(scene: Scene): Promise<KeyClaim> {
  const clientId: Id = (await scene.client()).id
  return { clientId, key: 'POST /messages Key', hash: 'sha', id: newId(), at: scene.tick() }
}

/** What the store answers; nothing expires unless a time is given. */
async function claim(
  scene: Scene,
  what: KeyClaim,
  expiresBefore = new Date(0),
): Promise<KeyClaim & { fresh: boolean }> {
  const { clientId, key, hash, id, at, fresh } = await scene.store.claimKey({ ...what, expiresBefore })
  return { clientId, key, hash, id, at, fresh }
}
