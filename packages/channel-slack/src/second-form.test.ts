import { degrade, type JsonObject } from '@plugboard/core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Stage, stage } from '../test/stage.js'
import { slack } from './index.js'

const BROKEN = 'https://media.example/broken.png'
const BROKEN_TOO = 'https://media.example/broken-too.png'

let on: Stage
beforeAll(async () => {
  on = await stage()
  on.fake.breakPictures(BROKEN, BROKEN_TOO)
})
afterAll(() => on.fake.close())
afterEach(() => on.fake.refuse())

/** What the person gets, and how many calls it took. */
async function sent(payload: JsonObject, thread = 'C024BE91L') {
  const [posted, calls] = [on.fake.posted.length, on.fake.calls.length]
  for (const content of degrade(payload, slack.capabilities)?.contents ?? []) await on.send(content, thread)
  return { messages: on.fake.posted.slice(posted), calls: on.fake.calls.length - calls }
}
const failure = (payload: JsonObject, thread?: string) =>
  sent(payload, thread).then(
    () => undefined,
    (error: unknown) => on.runtime.classify(error),
  )

const approve = { action: 'Postback', title: 'Approve', payload: 'tok_1' }
const image = (url: string) => ({ type: 'image', image: url, title: 'The plan' })
const card = (url: string, title = 'T') => ({
  type: 'card',
  title,
  subtitle: 'S',
  image: url,
  actions: [approve],
})

describe('a picture that Slack cannot download', () => {
  test('is sent once more as its title and its link', async () => {
    const { messages, calls } = await sent(image(BROKEN))
    expect(calls).toBe(2)
    expect(messages).toMatchObject([{ text: `<${BROKEN}|The plan>`, blocks: [] }])
  })

  test('of a card is a link, and the words and buttons stay', async () => {
    const { messages, calls } = await sent(card(BROKEN))
    expect(calls).toBe(2)
    expect(messages).toHaveLength(1)
    expect(messages[0]?.visible).toBe(`T\nS\n${BROKEN}\nApprove`)
    expect(JSON.stringify(messages[0]?.blocks)).toContain('tok_1')
  })

  test('costs no other picture, and any number of them no more than five calls', async () => {
    const good = 'https://media.example/good.png'
    const one = await sent({ type: 'carousel', items: [card(good, 'A'), card(BROKEN, 'B')] })
    expect(one.calls).toBe(2)
    expect(JSON.stringify(one.messages[0]?.blocks)).toContain(`"image_url":"${good}"`)
    const many = Array.from({ length: 12 }, (_, i) => card(i % 2 ? BROKEN : BROKEN_TOO, `card ${i}.`))
    const all = await sent({ type: 'carousel', items: many })
    expect(all.calls).toBeLessThanOrEqual(5)
    for (const { title } of many) expect(all.messages[0]?.visible).toContain(title)
  })
})

describe('blocks that Slack refuses are sent as a text', () => {
  const hasBlocks = (args: URLSearchParams) => args.has('blocks')
  const contents: [string, JsonObject, string][] = [
    [
      'Markdown',
      { type: 'text', markdown: true, text: '**a** <b> [c](https://e.com)' },
      'a <b> c (https://e.com)',
    ],
    [
      'a question',
      { type: 'single-choice', text: 'Size?', choices: [{ title: 'S & M', value: 'v' }] },
      'Size?\n• S & M',
    ],
    [
      'a menu',
      { type: 'dropdown', message: 'Town?', options: [{ label: 'Bern', value: 'v' }] },
      'Town?\n• Bern',
    ],
    [
      'a card',
      { ...card('/x'), actions: [approve, { action: 'Open URL', title: 'Look', url: 'https://e.com' }] },
      '*T*\nS\n/x\n• Approve\n• Look: https://e.com',
    ],
  ]
  test.each(contents)('%s', async (_, payload, visible) => {
    on.fake.refuse('invalid_blocks', hasBlocks)
    const { messages, calls } = await sent(payload)
    expect(calls).toBe(2)
    expect(messages.map((message) => message.visible)).toEqual([visible])
  })

  test.each(['invalid_blocks_format', 'msg_blocks_too_long', 'attachment_payload_limit_exceeded'])(
    '%s is such a refusal',
    async (code) => {
      on.fake.refuse(code, hasBlocks)
      const { messages } = await sent({ type: 'text', markdown: true, text: '*a*' })
      expect(messages).toMatchObject([{ visible: 'a', blocks: [] }])
    },
  )

  test('a text beside blocks that is too long is shortened', async () => {
    on.fake.refuse('msg_too_long', (args) => (args.get('text') ?? '').length > 3000)
    const items = Array.from({ length: 4 }, (_, i) => ({ title: `${i}`.padEnd(1500, 'x'), actions: [] }))
    const { messages } = await sent({ type: 'carousel', items })
    for (const { title } of items) expect(messages[0]?.visible).toContain(title)
  })
})

describe('a thread that takes no replies', () => {
  const inThread = (args: URLSearchParams) => args.has('thread_ts')

  test.each(['thread_not_found', 'cannot_reply_to_message', 'restricted_action_non_threadable_channel'])(
    '%s: the message goes to the channel',
    async (code) => {
      on.fake.refuse(code, inThread)
      const { messages, calls } = await sent({ type: 'text', text: 'hi' }, 'C024BE91L:1700000000.000100')
      expect(calls).toBe(2)
      expect(messages).toMatchObject([{ channel: 'C024BE91L', visible: 'hi' }])
      expect(messages[0]).not.toHaveProperty('thread_ts')
    },
  )

  test('with a picture that is broken takes three calls', async () => {
    on.fake.refuse('thread_not_found', inThread)
    const { messages, calls } = await sent(image(BROKEN), 'C024BE91L:1700000000.000100')
    expect([calls, messages[0]?.text]).toEqual([3, `<${BROKEN}|The plan>`])
  })
})

describe('what has no other form ends with a reason', () => {
  test.each([
    ['not_in_channel', 'recipient', /invite the bot/],
    ['channel_not_found', 'recipient', /no such channel/],
    ['is_archived', 'recipient', /archived/],
    ['ekm_access_denied', 'recipient', /admins/],
    ['no_permission', 'recipient', /invite the bot/],
    ['restricted_action', 'recipient', /setting of the workspace/],
    ['restricted_action_read_only_channel', 'recipient', /read-only/],
    ['restricted_action_thread_only_channel', 'recipient', /threads only/],
    ['restricted_action_thread_locked', 'recipient', /locked/],
    ['restricted_action_non_threadable_channel', 'recipient', /no threads/],
    ['thread_not_found', 'recipient', /deleted/],
    ['messages_tab_disabled', 'recipient', /Messages Tab/],
    ['app_access_restricted', 'recipient', /may not use/],
    ['no_text', 'invalid', /shows nothing/],
    ['msg_too_long', 'invalid', /too long/],
    ['slack_connect_file_link_sharing_blocked', 'invalid', /Slack Connect/],
    ['metadata_too_large', 'invalid', /metadata_too_large/],
    ['constructor', 'invalid', /^Slack answered constructor$/],
  ])('%s', async (code, kind, reason) => {
    on.fake.refuse(code)
    expect(await failure({ type: 'text', text: 'hi' })).toMatchObject({
      kind,
      message: expect.stringMatching(reason),
    })
  })

  test('a missing scope is named', async () => {
    on.fake.refuse('missing_scope', () => true, { needed: 'chat:write', provided: 'im:history' })
    expect(await failure({ type: 'text', text: 'hi' })).toEqual({
      kind: 'auth',
      code: 'missing_scope',
      field: 'botToken',
      message: 'Slack answered missing_scope: add the scope chat:write',
    })
  })

  test('every form that is refused ends after five calls', async () => {
    on.fake.refuse('invalid_blocks')
    const before = on.fake.calls.length
    expect(await failure(card(BROKEN))).toMatchObject({ kind: 'invalid' })
    expect(on.fake.calls.length - before).toBeLessThanOrEqual(5)
  })
})
