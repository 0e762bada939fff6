import { graphRefusal } from '@plugboard/graph-api/testing'
import { describe, expect, test } from 'vitest'
import { config, endpoint, stage } from '../test/stage.js'

const image = 'https://media.example/plan.png'

describe('a message', () => {
  test('is sent to the person by the page, with its token in a header and a proof of the app', async () => {
    await using staged = await stage()
    const ids = await staged.send({ type: 'text', text: 'Hello' })
    expect(staged.provider.shown).toEqual([
      {
        ...{ account: config.pageId, to: endpoint.sender, id: ids[0], messagingType: 'RESPONSE' },
        message: { text: 'Hello' },
      },
    ])
    const [call] = staged.provider.calls
    expect(call?.path).toMatch(/^\/v\d+\.0\/682498302938465\/messages\?appsecret_proof=[0-9a-f]{64}$/)
    expect(call?.headers.authorization).toBe(`Bearer ${config.accessToken}`)
  })

  /** A host that leads to these files, and to the fake Messenger. */
  const hosting =
    (answer: () => Response): typeof fetch =>
    async (input, init) =>
      String(input).startsWith('https://media.example/') ? answer() : fetch(input, init)
  const picture = () => new Response('bytes of a picture', { headers: { 'content-type': 'image/png' } })

  test('with a file that Messenger cannot download is sent once more, with the file uploaded', async () => {
    await using staged = await stage({ brokenFiles: [image], fetch: hosting(picture) })
    const ids = await staged.send({ type: 'image', image, title: 'The plan' })
    const [[attachment_id, file] = []] = staged.provider.uploads
    expect(file).toEqual({ type: 'image', mime: 'image/png', name: 'plan.png', body: 'bytes of a picture' })
    expect(staged.provider.shown.map(({ message }) => message)).toEqual([
      { attachment: { type: 'image', payload: { attachment_id } } },
      { text: 'The plan' },
    ])
    expect(ids).toHaveLength(2)
  })

  test.each([
    ['is a page', () => new Response('<h1>Sign in</h1>', { headers: { 'content-type': 'text/html' } })],
    ['is gone', () => new Response('gone', { status: 404 })],
    ['is refused as an upload too', picture],
    ['is too large', () => new Response('x', { headers: { 'content-length': `${26 * 2 ** 20}` } })],
    [
      'breaks off',
      () =>
        new Response(
          new ReadableStream({ pull: (controller) => controller.error(new Error('the host is gone')) }),
        ),
    ],
  ])('with a file that Messenger cannot download, and that %s, is its address', async (_, answer) => {
    const refusedUploads = ['image/png']
    await using staged = await stage({ brokenFiles: [image], refusedUploads, fetch: hosting(answer) })
    await staged.send({ type: 'image', image })
    expect(staged.provider.shown.map(({ message }) => message)).toEqual([{ text: image }])
  })

  test('whose upload has no answer is tried again, because nobody saw anything', async () => {
    const lost: typeof fetch = async (input, init) => {
      if (String(input).includes('/message_attachments')) throw new TypeError('fetch failed')
      return hosting(picture)(input, init)
    }
    await using staged = await stage({ brokenFiles: [image], fetch: lost })
    const error = await staged.send({ type: 'image', image }).catch((error: unknown) => error)
    expect(staged.runtime.classify(error).kind).toBe('transient')
  })

  test('with a file that nobody can download is sent once more, with the address as text', async () => {
    const nowhere = hosting(() => new Response('gone', { status: 404 }))
    await using staged = await stage({ brokenFiles: [image], fetch: nowhere })
    const ids = await staged.send({ type: 'image', image, title: 'The plan' })
    expect(staged.provider.shown.map(({ message }) => message)).toEqual([
      { text: image },
      { text: 'The plan' },
    ])
    expect(ids).toHaveLength(2)
  })

  test('with a card that Messenger refuses is sent once more, as a text with quick replies', async () => {
    await using staged = await stage()
    const { runtime, context, provider } = staged
    const elements = [
      {
        ...{ title: 'Shirt', subtitle: '20 €', image_url: image },
        buttons: [
          { type: 'web_url', title: 'Details', url: 'https://shop.example/7' },
          { type: 'postback', title: 'Buy', payload: 'token-1' },
          { type: 'unknown', title: 'Refused' },
        ],
      },
    ]
    const attachment = { type: 'template', payload: { template_type: 'generic', elements } }
    await runtime.deliver({ call: 'messages', args: { message: { attachment } } }, context())
    expect(provider.shown.map(({ message }) => message)).toEqual([
      {
        text: `Shirt\n20 €\n${image}\nDetails: https://shop.example/7`,
        quick_replies: [{ content_type: 'text', title: 'Buy', payload: 'token-1' }],
      },
    ])
  })

  test('to a person who is not there is tried once', async () => {
    const gone = graphRefusal(400, 100, 'No matching user found', { error_subcode: 2_018_001 })
    await using staged = await stage({ unreachable: { [endpoint.sender]: gone } })
    await expect(staged.send({ type: 'image', image })).rejects.toThrow()
    expect(staged.provider.calls).toHaveLength(1)
  })

  test('that Messenger accepts without an id may have arrived', async () => {
    await using staged = await stage({
      fetch: async () => Response.json({ recipient_id: endpoint.sender }),
    })
    const error = await staged.send({ type: 'text', text: 'Hello' }).catch((error: unknown) => error)
    expect(staged.runtime.classify(error).kind).toBe('ambiguous')
  })
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
