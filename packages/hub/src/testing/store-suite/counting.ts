import { newId } from '@plugboard/core'
import type { MessageCount } from '../../log/page.js'
import { same } from './assertions.js'
import type { Cases, Scene, Talk } from './scene.js'

/** How many messages someone has not seen. */
export const countingCases: Cases = {
  'messages after a number are counted, and events are not': async (scene) => {
    const talk = await scene.talk()
    const first = await scene.say(talk)
    await scene.say(talk, { type: 'conversation.started' })
    await scene.say(talk)
    const last = await scene.say(talk)
    same(await count(scene, talk, 0), 3)
    same(await count(scene, talk, first.seq), 2)
    same(await count(scene, talk, last.seq - 1), 1)
    same([await count(scene, talk, last.seq), await count(scene, talk, last.seq + 100)], [0, 0])
  },

  'messages that were deleted are not counted': async (scene) => {
    const talk = await scene.talk()
    const { id } = await scene.say(talk)
    await scene.say(talk)
    await scene.store.deleteMessages(talk.clientId, talk.streamId, id, scene.tick())
    same(await count(scene, talk, 0), 1)
    await scene.store.deleteMessages(talk.clientId, talk.streamId, 'all', scene.tick())
    same(await count(scene, talk, 0), 0)
  },

  'those of one user can be left out, and those of others and of the business stay': async (scene) => {
    const talk = await scene.talk()
    const { id: other } = await scene.user(talk.clientId)
    for (const userId of [talk.userId, other, talk.userId]) await scene.say(talk, { author: { userId } })
    await scene.say(talk)
    same(await count(scene, talk, 0), 4)
    same(await count(scene, talk, 0, { except: talk.userId }), 2)
    same(await count(scene, talk, 0, { except: other }), 3)
    same(await count(scene, talk, 0, { except: newId() }), 4)
  },

  'it counts no further than its limit': async (scene) => {
    const talk = await scene.talk()
    for (let index = 0; index < 5; index += 1) await scene.say(talk)
    const counts = []
    for (const limit of [1, 4, 5, 6]) counts.push(await count(scene, talk, 0, { limit }))
    same(counts, [1, 4, 5, 5])
    const author = { userId: talk.userId }
    await scene.say(talk, { author })
    same(await count(scene, talk, 0, { limit: 5, except: talk.userId }), 5)
    same(await count(scene, talk, 5, { limit: 5, except: talk.userId }), 1)
  },

  'messages of other conversations are not counted, nor any of one that is unknown or was deleted': async (
    scene,
  ) => {
    const user = await scene.user((await scene.client()).id)
    const [here, there] = [await scene.conversation(user), await scene.conversation(user)]
    await scene.say(here)
    await scene.say(there)
    same(await count(scene, here, 0), 1)
    same(await count(scene, { ...here, streamId: newId() }, 0), 0)
    await scene.store.deleteConversation(here.clientId, here.streamId, scene.event('conversation.deleted'))
    same([await count(scene, here, 0), await count(scene, there, 0)], [0, 1])
  },
}

const count = (
  { store }: Scene,
  { clientId, streamId }: Talk,
  after: number,
  of: Partial<MessageCount> = {},
) => store.countMessages(clientId, streamId, { after, limit: 100, ...of })
