import { type Id, isId, newId, PlugboardError } from '@plugboard/core'
import { z } from 'zod'
import { claimsOf, tokenOf } from '../../dialects/signed-token.js'
import type { PublicUrls } from '../../http/public-urls.js'

export interface LinksOptions {
  urls: Pick<PublicUrls, 'base'>
  /** Signs links. The same for all processes. */
  key: Uint8Array
}

/** What a link is for: to create the first operator, or to open the console for one client. */
export type Purpose =
  | { use: 'first-operator' }
  | { use: 'client'; clientId: Id; role: 'viewer' | 'operator'; name: string }

export type OpenLink = Purpose & { id: Id; expiresAt: Date }

const AUDIENCE = 'console'

const id = z.custom<Id>((value) => typeof value === 'string' && isId(value))
const claims = z.intersection(
  z.object({ jti: id, exp: z.number() }),
  z.discriminatedUnion('use', [
    z.object({ use: z.literal('first-operator') }),
    z.object({
      use: z.literal('client'),
      clientId: id,
      role: z.enum(['viewer', 'operator']),
      name: z.string(),
    }),
  ]),
)

const MIN_SECONDS = 60
const DAY_SECONDS = 24 * 60 * 60
/** Longest life of a link. */
export const MAX_LINK_SECONDS = 90 * DAY_SECONDS

export const wantedLink = z.strictObject({
  role: z.enum(['viewer', 'operator']).default('viewer').describe('What the holder may do'),
  expiresIn: z
    .int()
    .min(MIN_SECONDS)
    .max(MAX_LINK_SECONDS)
    .default(DAY_SECONDS)
    .describe('Seconds until the link and its sessions end'),
  name: z.string().min(1).max(100).default('link').describe('Who uses it, for the audit log'),
})

export const linkSchema = z.object({
  id: z.string(),
  url: z.string(),
  expiresAt: z.string().meta({ format: 'date-time' }),
})

/** Links that open the console without a password. They are signed and not stored. */
export class Links {
  readonly #options: LinksOptions

  constructor(options: LinksOptions) {
    this.#options = options
  }

  /** The token is after the `#`, which browsers send to no server. */
  make(purpose: Purpose, lifeMs: number): { id: Id; url: string; expiresAt: Date } {
    const { urls, key } = this.#options
    const linkId = newId()
    // Times in tokens are whole seconds.
    const exp = Math.floor((Date.now() + lifeMs) / 1000)
    const token = tokenOf({ ...purpose, aud: AUDIENCE, jti: linkId, exp }, key)
    const page = purpose.use === 'first-operator' ? 'link?first' : 'link'
    return { id: linkId, url: `${urls.base}/console/${page}#token=${token}`, expiresAt: new Date(exp * 1000) }
  }

  /** Undefined if the token is not that of a link, or has expired. */
  async open(token: string): Promise<OpenLink | undefined> {
    const found = await claimsOf(token, this.#options.key, { audience: AUDIENCE })
    const result = claims.safeParse(found)
    if (!result.success) return undefined
    const { jti, exp, ...purpose } = result.data
    return { ...purpose, id: jti, expiresAt: new Date(exp * 1000) }
  }
}

/** The answer to a link that is not valid, whatever the reason. */
export const linkIsVoid = (): PlugboardError =>
  new PlugboardError('UNAUTHORIZED', 'the link is not valid, has expired or was used')
