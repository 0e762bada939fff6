import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { useSunshine } from '../sunshine/stage.js'
import { startServer } from '../support/server.js'
import { type Answer, basic, newKey, officialClient, refusalOf } from '../support/sunshine.js'

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const MEBIBYTE = 1_048_576

const stage = useSunshine(() => startServer({ env: { ATTACHMENT_MAX_SIZE: '3MiB' } }))
const { api } = stage

const formOf = (bytes: Uint8Array, type: string, name = 'file', field = 'source') => {
  const form = new FormData()
  form.append('note', 'nothing of interest')
  form.append(field, new Blob([new Uint8Array(bytes)], { type }), name)
  return form
}

const send = (
  query: string,
  body: RequestInit['body'],
  as = stage.key,
  headers: Record<string, string> = {},
) =>
  fetch(`${stage.server.url}/v2/apps/${stage.key.appId}/attachments?${query}`, {
    method: 'POST',
    headers: { authorization: basic(as), ...headers },
    body: body as string,
  })

async function upload(bytes: Uint8Array, type: string, name?: string, more = ''): Promise<string> {
  const response = await send(`access=public${more}`, formOf(bytes, type, name))
  const { attachment, errors } = await jsonOf(response)
  expect(errors).toBeUndefined()
  expect(response.status).toBe(201)
  return attachment.mediaUrl
}

const jsonOf = async (response: Response): Promise<Answer> => response.json()

const isThere = async (url: string): Promise<boolean> => {
  const { status } = await fetch(url)
  expect([200, 404]).toContain(status)
  return status === 200
}

/** The status and the error of an answer. */
const faultOf = async (response: Response) => {
  const { errors } = await jsonOf(response)
  return { status: response.status, ...errors[0] }
}

const codeOf = (call: Promise<unknown>) => refusalOf(call).then(({ status, code }) => [status, code])

async function converse(): Promise<string> {
  const { user } = await api.createUser({ externalId: randomBytes(8).toString('hex') })
  const conversation = { type: 'personal', participants: [{ userId: user.id }] }
  await api.createConversation(conversation)
  return (await api.createConversation(conversation)).conversation.id
}

describe('an upload', () => {
  test('of a Buffer by the official client, which gives no name, is known by its bytes', async () => {
    const { attachment } = await api.uploadAttachment('public', PNG, {})
    expect(attachment.mediaType).toBe('image/png')
    const shown = await fetch(attachment.mediaUrl)
    expect(Buffer.from(await shown.arrayBuffer()).equals(PNG)).toBe(true)
    expect(Object.fromEntries(shown.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': 'inline',
      'content-length': String(PNG.byteLength),
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': 'public, max-age=900',
    })
  })

  test('of a large file comes back byte for byte', async () => {
    const bytes = randomBytes(3 * MEBIBYTE)
    const url = await upload(bytes, 'application/x-own', 'Bericht „März“.own')
    expect(url).toContain(`/${encodeURIComponent('Bericht „März“.own')}`)
    const shown = await fetch(url)
    expect(Buffer.from(await shown.arrayBuffer()).equals(bytes)).toBe(true)
    expect(shown.headers.get('content-disposition')).toMatch(/^attachment; filename\*=UTF-8''Bericht%20/)
  })

  test('is never shown as a page, whatever its sender calls it', async () => {
    const page = Buffer.from('<script>alert(1)</script>')
    for (const type of ['text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/javascript']) {
      const { headers } = await fetch(await upload(page, type, 'page.html'))
      expect(headers.get('content-type')).toBe('application/octet-stream')
      expect(headers.get('content-disposition')).toMatch(/^attachment/)
    }
  })

  test('answers HEAD, and what a cache has already', async () => {
    const url = await upload(PNG, 'image/png')
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(PNG.byteLength)])
    const etag = head.headers.get('etag') ?? ''
    const again = await fetch(url, { headers: { 'if-none-match': `"x", ${etag}` } })
    expect([again.status, await again.text()]).toEqual([304, ''])
  })

  test('that is too large is a 413, said or not, and leaves the server well', async () => {
    const large = randomBytes(3 * MEBIBYTE + 1)
    const tooLarge = { status: 413, code: 'payload_too_large' }
    expect(await faultOf(await send('access=public', formOf(large, 'image/png')))).toMatchObject(tooLarge)
    const huge = await send('access=public', formOf(randomBytes(8 * MEBIBYTE), 'image/png'))
    expect(await faultOf(huge)).toMatchObject(tooLarge)
    expect(await isThere(await upload(PNG, 'image/png'))).toBe(true)
  })

  test('that is none is refused in the envelope', async () => {
    const form = { 'content-type': 'multipart/form-data; boundary=x' }
    const cases: [Promise<Response>, number, string][] = [
      [send('', formOf(PNG, 'image/png')), 400, 'bad_request'],
      [send('access=private', formOf(PNG, 'image/png')), 400, 'bad_request'],
      [send('access=public&for=user', formOf(PNG, 'image/png')), 400, 'bad_request'],
      [send('access=public', formOf(PNG, 'image/png', 'a', 'other')), 400, 'bad_request'],
      [
        send('access=public', '{}', stage.key, { 'content-type': 'application/json' }),
        415,
        'unsupported_media_type',
      ],
      [send('access=public', 'x', stage.key, { 'content-type': 'multipart/form-data' }), 400, 'bad_request'],
      [send('access=public', '', stage.key, form), 400, 'bad_request'],
      [send('access=public', 'nonsense', stage.key, form), 400, 'bad_request'],
      [
        send(
          'access=public',
          '--x\r\ncontent-disposition: form-data; name="source"\r\n\r\nhalf',
          stage.key,
          form,
        ),
        400,
        'bad_request',
      ],
      [
        send('access=public', formOf(PNG, 'image/png'), { ...stage.key, secret: 'wrong' }),
        401,
        'unauthorized',
      ],
      [
        send(`access=public&for=message&conversationId=${stage.key.appId}`, formOf(PNG, 'image/png')),
        404,
        'conversation_not_found',
      ],
    ]
    for (const [sent, status, code] of cases)
      expect(await faultOf(await sent)).toMatchObject({ status, code })
  })
})

describe('an attachment', () => {
  test('is there until it is removed by its address, after a restart too', async () => {
    const url = await upload(PNG, 'image/png')
    await stage.server.stop()
    await stage.restart()
    expect(await isThere(url)).toBe(true)
    await api.deleteAttachment({ mediaUrl: url })
    expect(await isThere(url)).toBe(false)
    expect(await codeOf(api.deleteAttachment({ mediaUrl: url }))).toEqual([404, 'not_found'])
  })

  test('cannot be removed by another app, nor by an address of somebody else', async () => {
    const url = await upload(PNG, 'image/png')
    const other = officialClient(stage.server, await newKey(stage.server))
    expect(await codeOf(other.deleteAttachment({ mediaUrl: url }))).toEqual([404, 'not_found'])
    for (const mediaUrl of ['https://pictures.example/1.png', 'nonsense', `${stage.server.url}/v2`]) {
      expect(await codeOf(api.deleteAttachment({ mediaUrl }))).toEqual([400, 'bad_request'])
    }
    expect(await codeOf(api.deleteAttachment({}))).toEqual([400, 'bad_request'])
    expect(await isThere(url)).toBe(true)
  })

  test('is not found by what can be guessed', async () => {
    const url = new URL(await upload(PNG, 'image/png', 'a.png'))
    const [, , , clientId, id, mac = ''] = url.pathname.split('/')
    const made = await upload(PNG, 'image/png')
    const [, , , , , otherMac = ''] = new URL(made).pathname.split('/')
    for (const path of [
      `${clientId}/${id}/${otherMac}`,
      `${clientId}/${id}/${mac.slice(1)}`,
      `x/${id}/${mac}`,
    ]) {
      expect(await isThere(`${stage.server.url}/attachments/v1/${path}`)).toBe(false)
    }
    expect(await isThere(`${stage.server.url}/attachments/v1/${clientId}/${id}/${mac}`)).toBe(true)
  })

  test('that is for messages goes with its conversation, and others stay', async () => {
    const [conversationId, otherId] = [await converse(), await converse()]
    const own = await upload(PNG, 'image/png', 'a', `&for=message&conversationId=${conversationId}`)
    const others = [
      await upload(PNG, 'image/png', 'a', `&conversationId=${conversationId}`),
      await upload(PNG, 'image/png', 'a', `&for=message&conversationId=${otherId}`),
      await upload(PNG, 'image/png'),
    ]
    await api.deleteConversation(conversationId)
    expect(await isThere(own)).toBe(false)
    for (const url of others) expect(await isThere(url)).toBe(true)
  })
})
