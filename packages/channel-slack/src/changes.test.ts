import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Stage, stage } from '../test/stage.js'

let on: Stage
beforeAll(async () => {
  on = await stage()
})
afterAll(() => on.fake.close())
afterEach(() => on.fake.refuse())

const partOf = (content: object) => {
  const [part] = on.runtime.render(content as never, { identity: '*', sender: 'U1', thread: 'C1' })
  if (!part) throw new Error('there is no part')
  return part
}
const post = async (content: object) => on.runtime.deliver(partOf(content), on.context())
const edit = async (sent: { providerMessageIds: readonly string[] }, content: object) =>
  on.runtime.edit?.(sent, partOf(content), on.context())

test('an edited message has its new text, its new blocks, and none of the old', async () => {
  const sent = await post({ type: 'text', text: '*old*', markdown: true })
  expect(await edit(sent, { type: 'text', text: 'new', markdown: true })).toEqual({ providerMessageIds: [] })
  expect(on.fake.posted.at(-1)).toMatchObject({ visible: 'new' })
  await edit(sent, { type: 'text', text: 'plain' })
  expect(on.fake.posted.at(-1)).toMatchObject({ visible: 'plain', blocks: [] })
})

test('a removed message is gone, and so is one that was removed before', async () => {
  const sent = await post({ type: 'text', text: 'gone' })
  const before = on.fake.posted.length
  await on.runtime.remove?.(sent, on.context())
  await on.runtime.remove?.(sent, on.context())
  expect(on.fake.posted.length).toBe(before - 1)
})

test.each(['edit_window_closed', 'cant_update_message', 'message_not_found'])(
  'a change that Slack refuses fails for good, with its code: %s',
  async (code) => {
    const sent = await post({ type: 'text', text: 'old' })
    on.fake.refuse(code)
    const failure = await edit(sent, { type: 'text', text: 'new' }).catch(on.runtime.classify)
    expect(failure).toMatchObject({ kind: 'invalid', code })
  },
)
