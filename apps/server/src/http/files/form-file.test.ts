import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fileIn, MalformedForm } from './form-file.js'

/** Answers what it read of the field `source`. */
const server = createServer(async (request, response) => {
  const text = await read(request).catch((error) =>
    error instanceof MalformedForm ? 'malformed' : `a fault: ${error}`,
  )
  request.unpipe()
  request.resume()
  response.end(text)
})

async function read(request: Parameters<typeof fileIn>[0]): Promise<string> {
  const file = await fileIn(request, { field: 'source', maxBytes: 100_000 })
  if (!file) return 'no file'
  let text = ''
  for await (const chunk of file.body) text += chunk
  return text
}

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => void server.close())

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const post = async (body: string, type = 'multipart/form-data; boundary=x'): Promise<string> =>
  (await fetch(url(), { method: 'POST', body, headers: { 'content-type': type } })).text()

const part = (head: string, body: string, boundary = 'x') =>
  `--${boundary}\r\ncontent-disposition: form-data; ${head}\r\n\r\n${body}\r\n`
const field = part('name="a"', 'b')
const source = part('name="source"; filename="c"', 'hello')

describe('the file of a form', () => {
  test('is found among fields and other files', async () => {
    const other = part('name="other"; filename="c"', 'no')
    expect(await post(`${field}${other}${source}${field}--x--\r\n`)).toBe('hello')
    expect(await post(`preamble\r\n${source}--x--\r\nepilogue`)).toBe('hello')
    expect(await post(`${field}--x--\r\n`)).toBe('no file')
  })

  test.each([
    'multipart/form-data; boundary="x"',
    'multipart/form-data;boundary=x',
    'multipart/form-data; charset=utf-8; boundary=x',
    'Multipart/Form-Data; Boundary=x; charset=utf-8',
  ])('is found by the boundary of %s', async (type) => {
    expect(await post(`${source}--x--\r\n`, type)).toBe('hello')
  })

  test('is found by any boundary of RFC 2046', async () => {
    const boundary = "'()+_,-./:=? 09azAZ"
    const body = `${part('name="source"', 'hello', boundary)}--${boundary}--\r\n`
    expect(await post(body, `multipart/form-data; boundary="${boundary}"`)).toBe('hello')
  })

  test('is as it was sent, also where it nearly holds the boundary', async () => {
    const text = `${'\r\n--'.repeat(5_000)}\r\n-x\r--x\n--x${'\r\n--y'.repeat(5_000)}`
    expect(await post(`${part('name="source"', text)}--x--\r\n`)).toBe(text)
  })

  test.each(['multipart/form-data', 'multipart/form-data; boundary=', 'multipart/form-data; boundary="'])(
    'is malformed without a boundary: %s',
    async (type) => {
      expect(await post(`${source}--x--\r\n`, type)).toBe('malformed')
    },
  )

  test.each([
    ['nothing', ''],
    ['no form', 'hello'],
    ['a form that is cut off', source],
    ['a file that is cut off', '--x\r\ncontent-disposition: form-data; name="source"\r\n\r\nhal'],
    ['a head that is cut off', '--x\r\ncontent-disposition: form-data; na'],
  ])('is malformed in %s', async (_, body) => {
    expect(await post(body)).toBe('malformed')
  })

  test('is malformed in a form of more than 20 parts', async () => {
    expect(await post(`${field.repeat(19)}${source}--x--\r\n`)).toBe('hello')
    expect(await post(`${field.repeat(20)}${source}--x--\r\n`)).toBe('malformed')
  })

  test.each(['\r\n--x', '\r\n--x\r\n', '\r\n--x\r\na:b\r\n\r\n', '\r\n--x--'])(
    'is malformed, and takes little time, where it holds the boundary many times: %j',
    async (delimiter) => {
      const body = `${part('name="source"', delimiter.repeat(100_000))}--x--\r\n`
      const before = process.cpuUsage()
      expect(await post(body)).toBe('malformed')
      const { user } = process.cpuUsage(before)
      expect(user / 1000, 'processor time in milliseconds').toBeLessThan(500)
    },
  )

  test('ends with an error when the sender goes away', async () => {
    const { port } = server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    const seen = new Promise<string>((resolve) => {
      server.once('request', (request) => {
        request.once('close', () => resolve(request.complete ? 'complete' : 'aborted'))
      })
    })
    socket.write(
      `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: 1000\r\n\r\n${source.slice(0, -4)}`,
      () => setImmediate(() => socket.destroy()),
    )
    expect(await seen).toBe('aborted')
    expect(await post(`${source}--x--\r\n`)).toBe('hello')
  })
})
