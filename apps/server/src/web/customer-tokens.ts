import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import type { Config } from '@plugboard/channel-web'
import { isStorable, toUuid } from '@plugboard/core'
import { z } from 'zod'
import { jose } from '../jose.js'
import { Refusal } from './errors.js'
import type { Site } from './sites.js'

/** A customer whom the site vouches for. */
export interface Customer {
  /** The site's id of the customer. */
  id: string
  name?: string | undefined
  email?: string | undefined
  picture?: string | undefined
  locale?: string | undefined
}

/** The longest time from `iat` to `exp`, and how far the clocks may differ, in seconds. */
const MAX_LIFE_SECONDS = 3_600
const CLOCK_SECONDS = 60

const text = (max: number) => z.string().min(1).max(max).refine(isStorable)
/** A claim about the customer that is none of the kind is left out. */
const optional = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined)

const claimsSchema = z.object({
  sub: z
    .string('must be text')
    .min(1, 'must not be empty')
    .max(200, 'must have at most 200 characters')
    .refine(isStorable, 'must not contain NUL or half of a surrogate pair'),
  iat: z.number(),
  exp: z.number(),
  name: optional(text(200)),
  email: optional(z.email().max(200)),
  picture: optional(z.url({ protocol: /^https$/ }).max(2_000)),
  locale: optional(z.string().regex(/^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}$/)),
})

/**
 * The customer in a token (RFC 7519) that the site has signed. Each algorithm has its own keys, so no token can choose how
 * it is checked; keys that a header brings or points to count for nothing.
 * @throws JWT_INVALID that names the claim
 */
export async function customerIn(token: string, site: Site, now: Date): Promise<Customer> {
  const keys = keysOf(site.config)
  if (keys.length === 0) throw refused('this site has no jwtSecret and no jwtPublicKey')
  const claims = await verified(token, keys, site, now)
  const { success, data, error } = claimsSchema.safeParse(claims)
  if (!success) {
    const [issue] = error.issues
    throw refused(`"${issue?.path.join('.')}" ${issue?.message}`)
  }
  const { sub: id, iat, exp, name, email, picture, locale } = data
  if (exp - iat > MAX_LIFE_SECONDS)
    throw refused(`"exp" must be at most ${MAX_LIFE_SECONDS} seconds after "iat"`)
  if (iat > now.getTime() / 1000 + CLOCK_SECONDS) throw refused('"iat" is in the future')
  return { id, name, email, picture, locale }
}

interface Key {
  algorithm: 'HS256' | 'ES256'
  key: KeyObject
}

const keysByConfig = new WeakMap<Config, readonly Key[]>()

function keysOf(config: Config): readonly Key[] {
  const known = keysByConfig.get(config)
  if (known) return known
  const { jwtSecret, previousJwtSecret, jwtPublicKey } = config
  const secrets = [jwtSecret, previousJwtSecret].filter((each) => each !== undefined)
  const keys: Key[] = [
    ...secrets.map((secret) => ({
      algorithm: 'HS256' as const,
      key: createSecretKey(Buffer.from(secret)),
    })),
    ...(jwtPublicKey === undefined
      ? []
      : [{ algorithm: 'ES256' as const, key: createPublicKey(jwtPublicKey) }]),
  ]
  keysByConfig.set(config, keys)
  return keys
}

async function verified(
  token: string,
  keys: readonly Key[],
  site: Site,
  currentDate: Date,
): Promise<unknown> {
  const { jwtVerify, errors } = await jose()
  let failure: unknown
  for (const { algorithm, key } of keys) {
    try {
      const { payload } = await jwtVerify(token, key, {
        ...{ algorithms: [algorithm], requiredClaims: ['sub', 'iat', 'exp'], currentDate },
        clockTolerance: CLOCK_SECONDS,
      })
      if (payload.aud !== undefined && !isFor(site, payload.aud))
        throw refused('"aud" must be the id of the client, or absent')
      return payload
    } catch (error) {
      if (error instanceof Refusal) throw error
      // Of several keys, the one whose signature is right says what is wrong.
      const isOfKey = error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed
      if (failure === undefined || isOfKey) failure = error
    }
  }
  if (failure instanceof errors.JWTExpired) throw refused('"exp" has passed')
  if (failure instanceof errors.JWTClaimValidationFailed)
    throw refused(
      failure.reason === 'missing' ? `"${failure.claim}" is required` : `"${failure.claim}" is not valid`,
    )
  if (failure instanceof errors.JOSEAlgNotAllowed)
    throw refused(
      `the algorithm must be ${[...new Set(keys.map(({ algorithm }) => algorithm))].join(' or ')}`,
    )
  throw refused('it is no token that this site has signed')
}

function isFor({ client: { id, record } }: Site, audience: string | string[]): boolean {
  const names = [id, toUuid(id), record.externalId]
  return [audience].flat().some((each) => names.includes(each))
}

const refused = (message: string): Refusal => new Refusal('JWT_INVALID', message, 'token')
