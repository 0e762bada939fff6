import { createHmac, generateKeyPairSync, randomUUID, sign as signWith } from 'node:crypto'
import { newId } from '@plugboard/core'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answered, call } from './support/api.js'
import { cleanUp, sharedServer } from './support/server.js'
import { createProject } from './support/smartify.js'
import { newKey } from './support/sunshine.js'

/** What somebody knows who has no secret, and what the real thing looks like. */
interface Target {
  /** Signs real tokens. */
  secret: string | undefined
  header: Record<string, unknown>
  claims: Record<string, unknown>
  /** A real one. */
  token: string
  /** Signs the tokens of another tenant, and how one of those looks. */
  other: { secret: string; token: string; claims: Record<string, unknown> }
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url')
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
const now = (): number => Math.floor(Date.now() / 1000)

/** A token of any header and claims, be they JSON or not, signed in the way of HS256. */
function forge(header: unknown, claims: unknown, secret = 'a secret of the forger', hash = 'sha256'): string {
  const text = (part: unknown): string => (typeof part === 'string' ? part : JSON.stringify(part))
  const input = `${base64url(text(header))}.${base64url(text(claims))}`
  return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`
}

const asRsa = (header: object, claims: object): string => {
  const input = `${base64url(JSON.stringify({ ...header, alg: 'RS256' }))}.${base64url(JSON.stringify(claims))}`
  return `${input}.${signWith('sha256', Buffer.from(input), rsa.privateKey).toString('base64url')}`
}

/** The text of an object with one of its members twice. */
const twice = (object: object, name: string, value: unknown): string =>
  JSON.stringify(object).replace(/}$/, `,${JSON.stringify(name)}:${JSON.stringify(value)}}`)

const parts = (token: string): [string, string, string] => {
  const [header = '', claims = '', signature = ''] = token.split('.')
  return [header, claims, signature]
}

/** Made without the secret. */
const forgeries: Record<string, (of: Target) => string> = {
  'no algorithm, no signature': ({ header, claims }) =>
    parts(forge({ ...header, alg: 'none' }, claims))
      .slice(0, 2)
      .join('.')
      .concat('.'),
  'no algorithm, in other letters': ({ header, claims }) => forge({ ...header, alg: 'nOnE' }, claims),
  'no algorithm, with the real signature': ({ header, claims, token }) =>
    [...parts(forge({ ...header, alg: 'none' }, claims)).slice(0, 2), parts(token)[2]].join('.'),
  'an empty algorithm': ({ header, claims }) => forge({ ...header, alg: '' }, claims),
  'an algorithm that is an object': ({ header, claims }) =>
    forge({ ...header, alg: { toString: 1 } }, claims),
  'without the algorithm': ({ header: { alg: _, ...header }, claims }) => forge(header, claims),
  RS256: ({ header, claims }) => asRsa(header, claims),
  'HS256 with a public key as the secret': ({ header, claims }) => forge(header, claims, publicPem),
  'another secret': ({ header, claims }) => forge(header, claims),
  'an empty secret': ({ header, claims }) => forge(header, claims, ''),
  'the secret of another tenant': ({ header, claims, other }) => forge(header, claims, other.secret),
  'the claims of another tenant': ({ token, other }) => {
    const [header, , signature] = parts(token)
    return [header, parts(other.token)[1], signature].join('.')
  },
  'changed claims': ({ token, claims }) => {
    const [header, , signature] = parts(token)
    return [header, base64url(JSON.stringify({ ...claims, changed: true })), signature].join('.')
  },
  'a claim twice': ({ token, claims }) => {
    const [header, , signature] = parts(token)
    return [header, base64url(twice(claims, 'scope', 'account')), signature].join('.')
  },
  'a signature that was cut': ({ token }) => token.slice(0, -4),
  'an empty signature': ({ token }) => token.slice(0, token.lastIndexOf('.') + 1),
  'no signature': ({ token }) => token.slice(0, token.lastIndexOf('.')),
  'no claims': ({ token }) => parts(token).toSpliced(1, 1, '').join('.'),
  'no header': ({ token }) => parts(token).toSpliced(0, 1, '').join('.'),
  'a fourth part': ({ token }) => `${token}.x`,
  'five parts, as one that is encrypted': ({ token }) => `${token}.x.y`,
  'dots alone': () => '..',
  'one part': ({ token }) => token.replaceAll('.', ''),
  'a header that is no JSON': ({ claims }) => forge('{', claims),
  'a header that is a list': ({ claims }) => forge([], claims),
  'a header that is null': ({ claims }) => forge('null', claims),
  'claims that are no JSON': ({ header }) => forge(header, '{'),
  'claims that are a list': ({ header }) => forge(header, []),
  'claims that are null': ({ header }) => forge(header, 'null'),
  'claims that are nested deep': ({ header }) => forge(header, '['.repeat(4_000)),
  'claims of 8 kB': ({ header, claims }) => forge(header, { ...claims, x: 'x'.repeat(6_000) }),
  'a prototype in its claims': ({ header }) => forge(header, '{"__proto__":{"aud":"https://tiledesk.com"}}'),
  'a key of its own': ({ header, claims }) =>
    forge({ ...header, jwk: { kty: 'oct', k: base64url('a secret of the forger') } }, claims),
  'a public key of its own': ({ header, claims }) =>
    asRsa({ ...header, jwk: rsa.publicKey.export({ format: 'jwk' }) }, claims),
  'the address of a key': ({ header, claims }) =>
    forge({ ...header, jku: 'http://127.0.0.1:9/jwks.json', x5u: 'http://127.0.0.1:9/x' }, claims),
  'a certificate': ({ header, claims }) => forge({ ...header, x5c: ['MII'], x5t: 'x' }, claims),
  'an extension that is critical': ({ header, claims }) => forge({ ...header, crit: ['x'], x: 1 }, claims),
  'no critical extension': ({ header, claims }) => forge({ ...header, crit: [] }, claims),
  'claims that are not encoded': ({ header, claims }) =>
    forge({ ...header, b64: false, crit: ['b64'] }, claims),
  'compressed claims': ({ header, claims }) => forge({ ...header, zip: 'DEF' }, claims),
  ...Object.fromEntries(
    [
      { toString: 1 },
      {},
      ['x'],
      [],
      7,
      true,
      null,
      '',
      '../../../../etc/passwd',
      "x' OR '1'='1",
      '{"$ne":null}',
      { $ne: null },
      '__proto__',
      '\u0000',
      'app_',
      `app_${'0'.repeat(24)}`,
      'x'.repeat(5_000),
    ].map((kid) => [
      `a key id such as ${JSON.stringify(kid).slice(0, 30)}`,
      ({ header, claims }: Target) => forge({ ...header, kid }, claims),
    ]),
  ),
}

/** Made with the secret: by somebody who may sign, and then should not be believed everything. */
const illTimed: Record<string, (of: Target) => object> = {
  expired: () => ({ exp: now() - 60 }),
  'expired, by a negative time': () => ({ exp: -1 }),
  'an expiry that is a text': () => ({ exp: `${now() + 60}` }),
  'an expiry that is null': () => ({ exp: null }),
  'an expiry that is an object': () => ({ exp: { valueOf: 1 } }),
  'not good yet': () => ({ nbf: now() + 600 }),
  'a beginning that is a text': () => ({ nbf: '0' }),
  'a time of issue that is a text': () => ({ iat: 'now' }),
  'a time of issue that is an object': () => ({ iat: {} }),
  'a time of issue that is a list': () => ({ iat: [now()] }),
}

const server = sharedServer()
afterAll(cleanUp)

function refusesForgeries(
  setUp: () => Promise<{ target: Target; send(token: string): Promise<Answered> }>,
  refused: object,
) {
  let target: Target
  let send: (token: string) => Promise<Answered>
  beforeAll(async () => {
    ;({ target, send } = await setUp())
  })

  test('that is genuine is served', async () => {
    expect((await send(target.token)).status).toBe(200)
    const { secret, header, claims } = target
    if (secret !== undefined) expect((await send(forge(header, claims, secret))).status).toBe(200)
  })

  test.each(Object.entries(forgeries))('with %s is refused', async (_, make) => {
    const token = make(target)
    expect(token).not.toBe(target.token)
    expect(await send(token)).toMatchObject(refused)
  })

  test.each(Object.entries(illTimed))('that is genuine but for this is refused: %s', async (_, more) => {
    const { secret, header, claims } = target
    if (secret === undefined) return
    expect(await send(forge(header, { ...claims, ...more(target) }, secret))).toMatchObject(refused)
  })
}

const claimsIn = (token: string): Record<string, unknown> => ({ ...decodeJwt(token) })

describe('a token of the Sunshine API', () => {
  refusesForgeries(
    async () => {
      const [key, theirs] = [await newKey(server), await newKey(server)]
      const header = { alg: 'HS256', typ: 'JWT', kid: key.keyId }
      const claims = { scope: 'app', iat: now() }
      const token = forge(header, claims, key.secret)
      const other = {
        secret: theirs.secret,
        token: forge({ ...header, kid: theirs.keyId }, { ...claims, jti: 'theirs' }, theirs.secret),
        claims,
      }
      const send = (jws: string) =>
        call(server, 'GET', `/v2/apps/${key.appId}`, { headers: { authorization: `Bearer ${jws}` } })
      return { target: { secret: key.secret, header, claims, token, other }, send }
    },
    { status: 401, json: { errors: [{ code: 'unauthorized', title: 'Authorization is required' }] } },
  )
})

const header = { alg: 'HS256', typ: 'JWT' }
const UNAUTHORIZED = { status: 401, text: 'Unauthorized' }

describe.each([
  ['a guest', 'requests/me'],
  ['a person', 'requests'],
] as const)('a token that the server signed for %s of the Smartify API', (who, path) => {
  refusesForgeries(async () => {
    const [project, theirs] = [await createProject(server), await createProject(server)]
    const tokenOf = async (of: typeof project): Promise<string> => {
      if (who === 'a guest') return (await of.guest()).token.slice(4)
      const { email, password } = of.owner
      const { json } = await call(server, 'POST', '/api/auth/signin', { body: { email, password } })
      return json.token.slice(4)
    }
    const [token, foreign] = [await tokenOf(project), await tokenOf(theirs)]
    const { secret } = await theirs.subscribe('message.create', 'http://127.0.0.1:9/')
    const other = { secret, token: foreign, claims: claimsIn(foreign) }
    const send = (jws: string) =>
      call(server, 'GET', `/api/${project.id}/${path}`, { headers: { authorization: `JWT ${jws}` } })
    return { target: { secret: undefined, header, claims: claimsIn(token), token, other }, send }
  }, UNAUTHORIZED)
})

describe.each(['subscription', 'userexternal'] as const)(
  'a token with the subject %s under the secret of a subscription',
  (sub) => {
    refusesForgeries(async () => {
      const [project, theirs] = [await createProject(server), await createProject(server)]
      const make = async (of: typeof project) => {
        const { _id, secret } = await of.subscribe('message.create', `http://127.0.0.1:9/${randomUUID()}`)
        const claims = {
          sub,
          _id: 'external-1',
          aud: `https://tiledesk.com/subscriptions/${_id}`,
          iat: now(),
        }
        return { secret, claims, token: forge(header, claims, secret) }
      }
      const [mine, other] = [await make(project), await make(theirs)]
      const headers = { authorization: `JWT ${mine.token}` }
      if (sub === 'userexternal')
        await call(server, 'POST', '/api/auth/signinWithCustomToken', { headers, body: {} })
      const path = sub === 'subscription' ? 'requests' : 'requests/me'
      const send = (jws: string) =>
        call(server, 'GET', `/api/${project.id}/${path}`, { headers: { authorization: `JWT ${jws}` } })
      return { target: { ...mine, header, other }, send }
    }, UNAUTHORIZED)

    test('is good for no other audience', async () => {
      const project = await createProject(server)
      const { _id, secret } = await project.subscribe('message.create', 'http://127.0.0.1:9/')
      const own = `https://tiledesk.com/subscriptions/${_id}`
      const audiences = [
        'https://tiledesk.com',
        `https://tiledesk.com/projects/${project.id}`,
        `https://tiledesk.com/subscriptions/${newId()}`,
        `${own}/`,
        `${own.toUpperCase()}`,
        [own],
        [own, 'https://tiledesk.com'],
        { toString: own },
        null,
        undefined,
      ]
      for (const aud of audiences) {
        const token = forge(header, { sub, _id: 'external-1', aud }, secret)
        const headers = { authorization: `JWT ${token}` }
        expect(await call(server, 'GET', `/api/${project.id}/requests/me`, { headers })).toMatchObject(
          UNAUTHORIZED,
        )
      }
    })
  },
)
