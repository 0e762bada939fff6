import type { InboundRequest } from '../channel.js'

const MEGABYTE = 1024 * 1024

/** Bodies that no provider sends. */
const hostileBodies: Readonly<Record<string, Uint8Array>> = Object.fromEntries(
  Object.entries({
    'an empty body': '',
    'no JSON': '{"unfinished": ',
    null: 'null',
    'a number': '42',
    'a text': '"text"',
    'an empty object': '{}',
    'an empty array': '[]',
    'an object with a prototype': '{"__proto__": {"type": "text"}, "constructor": {"prototype": null}}',
    'an object with surprising fields':
      '{"type": {}, "payload": [], "sender": null, "message": {"text": {}}}',
    'a form': 'a=1&a=2&payload=%7B%7D&%ff=%',
    'invalid UTF-8': Buffer.from([0xff, 0xfe, 0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]),
    'NUL bytes': Buffer.alloc(100),
    '1 MB of text': 'a'.repeat(MEGABYTE),
    '1 MB of JSON text': JSON.stringify('a'.repeat(MEGABYTE)),
    '1 MB of fields': `{${Array.from({ length: 80_000 }, (_, i) => `"field${i}":1`).join(',')}}`,
    '1 MB of arrays, one in another': '['.repeat(MEGABYTE / 2) + ']'.repeat(MEGABYTE / 2),
    '1 MB of objects, one in another': `${'{"payload":'.repeat(90_000)}1${'}'.repeat(90_000)}`,
  }).map(([name, body]) => [name, Buffer.from(body)]),
)

type Forms = [name: string, request: InboundRequest][]

/** A request with headers that no provider sends, signatures among them. */
export function forgedForms(request: InboundRequest): Forms {
  const everyHeader = (change: (value: string) => string) => {
    const headers = Object.entries(request.headers).map(([name, value]) => [name, change(value ?? '')])
    return { ...request, headers: Object.fromEntries(headers) }
  }
  return [
    ['no headers', { ...request, headers: {} }],
    ['empty headers', everyHeader(() => '')],
    ['headers sent twice and joined', everyHeader((value) => `${value}, ${value}`)],
    ['headers of 8 KB', everyHeader(() => 'v1,'.repeat(2700))],
    ['headers beyond ASCII', everyHeader(() => '\u00e4\u0000\ud83d')],
  ]
}

/** A request in other forms in which no provider sends it; what it does not sign may be such. */
export function oddForms(request: InboundRequest): Forms {
  const { headers } = request
  return [
    ['another content type', { ...request, headers: { ...headers, 'content-type': 'image/png' } }],
    ['GET', { ...request, method: 'GET', body: new Uint8Array() }],
    ...Object.entries(hostileBodies).map(([name, body]): Forms[number] => [name, { ...request, body }]),
  ]
}
