import type { InboundRequest } from '@plugboard/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { textOfBlocks } from './block-text.js'
import { parse as parseOf } from './inbound.js'
import { readable } from './readable-text.js'

/** Of an integration with an app of its own. */
const parse = (request: InboundRequest) => parseOf(request, {})

const request = (body: string | Uint8Array, headers: Record<string, string> = {}): InboundRequest => ({
  method: 'POST',
  publicUrl: 'https://hub.example/webhooks/v1/acme/slack',
  headers: { 'content-type': 'application/json', 'x-slack-request-timestamp': '1795334403', ...headers },
  body: Buffer.from(body),
})

const event = (fields: object, envelope: object = {}) =>
  parse(
    request(
      JSON.stringify({
        type: 'event_callback',
        event_id: 'Ev1',
        event_time: 1795334401,
        event: { type: 'message', channel: 'D1', user: 'U1', ts: '1795334401.000100', text: 'hi', ...fields },
        authorizations: [{ user_id: 'U0BOT', is_bot: true }],
        ...envelope,
      }),
    ),
  ).events

const form = (fields: Record<string, string>) =>
  parse(
    request(new URLSearchParams(fields).toString(), {
      'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    }),
  )

const interaction = (payload: object) =>
  form({ payload: JSON.stringify({ user: { id: 'U1' }, ...payload }) }).events

describe('the answer', () => {
  test('to the verification of the URL is its challenge', () => {
    const { events, response } = parse(
      request('{"type":"url_verification","challenge":"3eZbrw1a","token":"x"}'),
    )
    expect(events).toEqual([])
    expect(response).toMatchObject({ status: 200, body: '{"challenge":"3eZbrw1a"}' })
  })

  test('to anything else is an empty 200', () => {
    expect(form({ ssl_check: '1' })).toEqual({ events: [], response: { status: 200 } })
    expect(form({ command: '/a', user_id: 'U1', trigger_id: '1.2' }).response).toEqual({ status: 200 })
    expect(parse(request('{"type":"app_rate_limited"}'))).toEqual({ events: [], response: { status: 200 } })
  })

  test.each([
    ['a GET', { ...request('{}'), method: 'GET' as const }],
    ['another content type', request('{}', { 'content-type': 'text/plain' })],
    ['JSON that is none', request('{"type":')],
    ['an event without an id', request('{"type":"event_callback","event":{"type":"message"}}')],
    [
      'a payload that is no JSON',
      request('payload=%7B', { 'content-type': 'application/x-www-form-urlencoded' }),
    ],
    ['a form of nothing', request('a=1', { 'content-type': 'application/x-www-form-urlencoded' })],
    [
      'an interaction without what makes it unique',
      request(`payload=${encodeURIComponent('{"type":"shortcut","user":{"id":"U1"}}')}`, {
        'content-type': 'application/x-www-form-urlencoded',
      }),
    ],
  ])('to %s is INVALID, and quotes nothing of it', (_, bad) => {
    expect(() => parse(bad)).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })
})

describe('a message', () => {
  test('and its mention have one key, and the same words', () => {
    const text = '<@U0BOT>: hello'
    const [one] = event({ text, blocks: [] })
    const [other] = event({ type: 'app_mention', text })
    expect(other).toEqual(one)
    expect(one).toMatchObject({ dedupeKey: 'D1:1795334401.000100', content: { text: 'hello' } })
  })

  test.each([
    ['a mention of the bot and nothing else is kept', { text: '<@U0BOT>' }, ['@U0BOT']],
    ['a mention of someone else is kept', { text: '<@U9> hello' }, ['@U9 hello']],
    ['what is said about oneself', { subtype: 'me_message', text: 'waves' }, ['waves']],
    ['a reply that goes to the channel too', { subtype: 'thread_broadcast', text: 'a' }, ['a']],
    [
      'a message that was forwarded',
      { text: '', attachments: [{ text: 'one' }, { fallback: 'two' }] },
      ['one\ntwo'],
    ],
    ['one that says nothing that we know', { text: '', blocks: [{ type: 'poll' }] }, ['[message]']],
    ['one of a new kind that a person wrote', { subtype: 'sh_poll', text: 'a', client_msg_id: 'c1' }, ['a']],
  ])('%s', (_, fields, texts) => {
    expect(event(fields).map((each) => 'content' in each && each.content.text)).toEqual(texts)
  })

  test.each([
    ['of a bot', { bot_id: 'B1' }],
    ['of ours', { user: 'U0BOT' }],
    ['of Slackbot', { user: 'USLACKBOT' }],
    ['of nobody', { user: undefined }],
    ['about who came', { subtype: 'group_join' }],
    ['about a topic', { subtype: 'channel_topic' }],
    ['of a new kind, by which Slack says something', { subtype: 'sh_poll', text: 'a' }],
    [
      'of a bot that was changed',
      { subtype: 'message_changed', message: { ts: '1.1', bot_id: 'B1', user: 'U1', text: 'a' } },
    ],
    [
      'of a bot that was deleted',
      {
        subtype: 'message_deleted',
        deleted_ts: '1.1',
        previous_message: { ts: '1.1', bot_id: 'B1', user: 'U1' },
      },
    ],
    ['that was deleted, and nobody knows whose', { subtype: 'message_deleted', deleted_ts: '1.1' }],
    ['about a channel', { type: 'channel_rename' }],
    [
      'that is a reaction of ours',
      {
        type: 'reaction_added',
        user: 'U0BOT',
        reaction: 'a',
        event_ts: '1.1',
        item: { type: 'message', channel: 'C1', ts: '1.1' },
      },
    ],
    [
      'that is a reaction to a file',
      { type: 'reaction_added', user: 'U1', reaction: 'a', event_ts: '1.1', item: { type: 'file' } },
    ],
    ['about the home tab', { type: 'app_home_opened', tab: 'home' }],
  ])('%s is nothing', (_, fields) => {
    expect(event(fields)).toEqual([])
  })

  test('that is deleted while others have replied becomes a tombstone', () => {
    const message = {
      ts: '1795334401.000100',
      thread_ts: '1795334401.000100',
      user: 'U1',
      subtype: 'tombstone',
      text: 'This message was deleted.',
    }
    const [deleted] = event({
      subtype: 'message_changed',
      message,
      previous_message: { ...message, subtype: undefined, text: 'a' },
    })
    expect(deleted).toMatchObject({
      type: 'deleted',
      messageKey: 'D1:1795334401.000100',
      endpoint: { thread: 'D1' },
    })
  })

  test('with the largest table of Slack, or of a megabyte, has all of its cells', () => {
    const cell = (text: string) => ({
      type: 'rich_text',
      elements: [
        {
          type: 'rich_text_section',
          elements: [
            { type: 'text', text, style: { bold: true } },
            { type: 'text', text: '.' },
          ],
        },
      ],
    })
    const table = (rows: number, columns: number) =>
      Array.from({ length: rows }, (_, y) => Array.from({ length: columns }, (_, x) => cell(`${y}/${x}`)))
    for (const [rows, columns] of [
      [100, 20],
      [320, 20],
    ] as const) {
      const [message] = event({ text: '', blocks: [{ type: 'table', rows: table(rows, columns) }] })
      const text = String(message?.type === 'message' && message.content.text)
      const lines = text.split('\n')
      expect([lines.length, lines[0]?.split(' | ').length]).toEqual([rows, columns])
      expect(lines.at(-1)).toMatch(new RegExp(`^${rows - 1}/0\\. .* ${rows - 1}/${columns - 1}\\.$`))
    }
  })

  test('that was pressed in a message with the largest table is a press', () => {
    const rows = Array.from({ length: 100 }, () =>
      Array(20).fill({ type: 'raw_text', text: 'a', more: [1, 2] }),
    )
    const action = { type: 'button', action_id: 'a', action_ts: '1795334401.000100', value: 'token' }
    const message = { ts: '1795334401.000100', blocks: [{ type: 'table', rows }] }
    const pressed = { type: 'block_actions', actions: [action], channel: { id: 'C1' }, message }
    expect(interaction(pressed)).toMatchObject([{ type: 'choice', token: 'token' }])
  })

  test('on top of a thread is in the channel', () => {
    expect(event({ thread_ts: '1795334401.000100' })[0]?.endpoint.thread).toBe('D1')
    expect(event({ thread_ts: '1795334400.000100' })[0]?.endpoint.thread).toBe('D1:1795334400.000100')
  })

  test('that opens the direct messages again is the same start', () => {
    const open = (event_id: string) =>
      event({ type: 'app_home_opened', tab: 'messages' }, { event_id })[0]?.dedupeKey
    expect(open('Ev1')).toBe(open('Ev2'))
  })
})

describe('what is not in the text of a message', () => {
  const table = {
    type: 'table',
    rows: [
      [
        { type: 'raw_text', text: 'a' },
        { type: 'raw_text', text: 'b' },
      ],
    ],
  }
  const share = { is_share: true, author_name: 'Ada', text: 'The server is on fire' }
  const text = (fields: object) => {
    const [first] = event(fields)
    return first && 'content' in first ? first.content.text : undefined
  }

  test('a forwarded message follows the words of the person, and its files follow both', () => {
    const files = [{ id: 'F1', mimetype: 'image/png', url_private: 'https://files.slack.com/a.png' }]
    const attachments = [{ ...share, from_url: 'https://acme.slack.com/archives/C1/p1', files }]
    const [words, image, ...more] = event({ text: 'please handle this', attachments, files })
    expect(words).toMatchObject({
      content: {
        type: 'text',
        text: 'please handle this\n\nAda (https://acme.slack.com/archives/C1/p1): The server is on fire',
      },
    })
    // The file that is both sent and forwarded is one file.
    expect(image).toMatchObject({ dedupeKey: 'D1:1795334401.000100:F1', content: { type: 'image' } })
    expect(more).toEqual([])
  })

  test.each([
    ['a page', { from_url: 'https://a.example/', title: 'A' }, '<https://a.example>'],
    [
      'an address that leads elsewhere',
      { original_url: 'https://t.example/1', title: 'A' },
      '<https://t.example/1|t>',
    ],
    ['a page by an app', { is_app_unfurl: true, text: 'A' }, 'see'],
    [
      'a message',
      { is_msg_unfurl: true, from_url: 'https://a.slack.com/p1', text: 'A' },
      '<https://a.slack.com/p1>',
    ],
  ])('the preview of a link to %s stays out', (_, preview, own) => {
    expect(text({ text: own, attachments: [preview] })).toBe(text({ text: own }))
  })

  test('a forwarded message is no preview, although the person wrote its address', () => {
    const url = 'https://a.slack.com/p1'
    expect(text({ text: `<${url}>`, attachments: [{ ...share, from_url: url }] })).toContain('on fire')
  })

  test('a table is lines of cells', () => {
    expect(
      text({ text: 'See', attachments: [{ fallback: '[no preview available]', blocks: [table] }] }),
    ).toBe('See\n\na | b')
    expect(text({ text: 'See', blocks: [table] })).toBe('See\n\na | b')
  })

  test('blocks that say the same as the text are not said twice', () => {
    const section = { type: 'section', text: { type: 'mrkdwn', text: '*See* <https://a.example|it>' } }
    expect(text({ text: 'See it (https://a.example)', blocks: [section] })).toBe('See it (https://a.example)')
  })

  test('an odd attachment costs nothing else', () => {
    expect(text({ attachments: [{ text: 7, fields: 'x', message_blocks: [null], files: [{}] }] })).toBe('hi')
  })

  test('a block whose type is that of another thing is read as any other', () => {
    for (const type of ['constructor', '__proto__', 'toString'])
      expect(text({ text: '', blocks: [{ type, text: 'a' }] })).toBe('a')
  })

  test('a list that says it is a billion levels deep is not', () => {
    const list = { type: 'rich_text_list', indent: 1e9, offset: 'x', elements: [{ type: 'text', text: 'a' }] }
    expect(text({ text: '', blocks: [{ type: 'rich_text', elements: [list] }] })).toBe(`${' '.repeat(32)}• a`)
  })
})

test('blocks of any form are read', () => {
  const known = fc.constantFrom(
    'rich_text',
    'rich_text_list',
    'table',
    'image',
    'section',
    'emoji',
    'date',
    'pie',
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.oneof(fc.string(), fc.double(), fc.constant(null), fc.boolean()),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.record({ type: known, text: tie('value'), elements: tie('value'), rows: tie('value') }),
      fc.record(
        {
          type: known,
          indent: tie('value'),
          unicode: tie('value'),
          timestamp: tie('value'),
          segments: tie('value'),
        },
        { requiredKeys: ['type'] },
      ),
    ),
  }))
  fc.assert(
    fc.property(value, (blocks) => {
      expect(textOfBlocks(blocks)).toBeTypeOf('string')
    }),
  )
})

describe('an interaction', () => {
  test('with an old element of ours and a new one is one event each', () => {
    const action = { type: 'button', value: 'tok', action_ts: '1.1', text: { text: 'A' } }
    const events = interaction({
      type: 'block_actions',
      actions: [
        { ...action, action_id: 'choice:0' },
        { ...action, action_id: 'choice:1' },
      ],
    })
    expect(events.map(({ dedupeKey }) => dedupeKey)).toEqual(['action:1.1::choice:0', 'action:1.1::choice:1'])
    expect(events[0]?.endpoint).toEqual({ identity: '*', sender: 'U1', thread: '*' })
  })

  test.each(['shortcut', 'message_action', 'view_submission', 'interactive_message'])(
    'of the kind %s is named',
    (type) => {
      expect(interaction({ type, trigger_id: '1.2', channel: { id: 'C1' } })).toMatchObject([
        { type: 'message', dedupeKey: 'action:1.2', content: { type: 'text', text: `[${type}]` } },
      ])
    },
  )

  test.each(['view_closed', 'block_suggestion'])('of the kind %s is nothing', (type) => {
    expect(interaction({ type, trigger_id: '1.2' })).toEqual([])
  })

  const actions = (...actions: object[]) => interaction({ type: 'block_actions', trigger_id: '1.2', actions })

  test('with a button that has no value has its id as the value', () => {
    const [event] = actions({ type: 'button', action_id: 'a', text: { text: 'Go' } })
    expect(event).toMatchObject({ type: 'choice', token: 'a', label: 'Go' })
  })

  test('with a button that has neither is named', () => {
    expect(actions({ type: 'button' })).toMatchObject([{ type: 'message', content: { text: '[button]' } }])
  })

  test.each<[string, object, string, string]>([
    ['selected_option', { value: 'v1', text: { text: 'A' } }, 'v1', 'A'],
    ['selected_options', [{ value: 'v1', text: { text: 'A' } }, { value: 'v2' }], 'v1,v2', 'A, v2'],
    ['selected_options', [{ text: { text: 'A' } }], 'A', 'A'],
  ])('with %s has the values', (field, chosen, token, label) => {
    expect(actions({ type: 'acme_menu', action_id: 'a', [field]: chosen })).toMatchObject([
      { type: 'choice', token, label },
    ])
  })
})

describe('a text of Slack is readable', () => {
  test.each([
    ['<@U123>', '@U123'],
    ['<@U123|ada>', '@ada'],
    ['<#C123|general>', '#general'],
    ['<#C123|>', '#C123'],
    ['<!here> <!channel>', '@here @channel'],
    ['<!subteam^S1|@team>', '@team'],
    ['<!date^1392734382^{date}|Feb 18>', 'Feb 18'],
    ['<https://a.example>', 'https://a.example'],
    ['<https://a.example|a.example>', 'https://a.example'],
    ['<https://a.example/?b=1&amp;c=2|our &lt;shop&gt;>', 'our <shop> (https://a.example/?b=1&c=2)'],
    ['<mailto:a@b.example|a@b.example>', 'a@b.example'],
    ['<tel:123|call>', 'call (123)'],
    ['&amp;lt; is &lt;', '&lt; is <'],
    ['1 < 2 > 0 &nbsp;', '1 < 2 > 0 &nbsp;'],
    ['<<<', '<<<'],
  ])('%s', (text, words) => {
    expect(readable(text)).toBe(words)
  })

  test('emoji are characters where the blocks tell', () => {
    const blocks = [
      {
        type: 'rich_text',
        elements: [
          {
            type: 'rich_text_section',
            elements: [
              { type: 'emoji', name: 'wave', unicode: '1f44b' },
              { type: 'emoji', name: 'odd', unicode: 'zz' },
            ],
          },
        ],
      },
    ]
    const [said] = event({ text: ':wave: :custom: :odd: 12:30:45', blocks })
    expect(said).toMatchObject({ content: { text: '👋 :custom: :odd: 12:30:45' } })
  })
})
