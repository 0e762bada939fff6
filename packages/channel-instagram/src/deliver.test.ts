import { expect, test } from 'vitest'
import { config, endpoint, stage } from '../test/stage.js'

const image = 'https://media.example/plan.png'

test('a message is sent to the person by the account', async () => {
  await using staged = await stage()
  const ids = await staged.send({ type: 'text', text: 'Hello' })
  expect(staged.provider.shown).toEqual([
    {
      ...{ account: config.accountId, to: endpoint.sender, id: ids[0], messagingType: undefined },
      message: { text: 'Hello' },
    },
  ])
})

test('a file that Instagram cannot download is sent once more, as its address', async () => {
  await using staged = await stage({ brokenFiles: [image] })
  await staged.send({ type: 'image', image })
  expect(staged.provider.shown.map(({ message }) => message)).toEqual([{ text: image }])
})

test('cards that Instagram refuses are sent once more, as texts that have all of them', async () => {
  await using staged = await stage()
  const urls = Array.from({ length: 10 }, (_, i) => `https://shop.example/${i}/${'x'.repeat(150)}`)
  const elements = urls.map((url, i) => ({
    title: `Shirt ${i}`,
    buttons: [
      { type: 'web_url', title: 'Details', url },
      { type: 'unknown', title: 'Refused' },
      { type: 'postback', title: `Buy ${i}`, payload: `token-${i}` },
    ],
  }))
  const attachment = { type: 'template', payload: { template_type: 'generic', elements } }
  const sent = await staged.runtime.deliver(
    { call: 'messages', args: { message: { attachment } } },
    staged.context(),
  )
  const shown = staged.provider.shown.map(
    ({ message }) => message as { text: string; quick_replies?: object[] },
  )
  expect(sent.providerMessageIds).toEqual(staged.provider.shown.map(({ id }) => id))
  for (const url of urls) expect(shown.some(({ text }) => text.includes(url))).toBe(true)
  expect(shown.map(({ quick_replies = [] }) => quick_replies.length)).toEqual([0, 10])
})

test.each([
  ['indicateTyping', 'typing_on'],
  ['markRead', 'mark_seen'],
] as const)('%s sends %s', async (name, action) => {
  await using staged = await stage()
  await staged.runtime[name]?.(staged.context())
  expect(staged.provider.calls.map(({ body }) => JSON.parse(body))).toEqual([
    { recipient: { id: endpoint.sender }, sender_action: action },
  ])
})
