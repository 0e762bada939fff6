import { createSecretKey, type KeyObject } from 'node:crypto'
import { type Id, isId, newId } from '@plugboard/core'
import { z } from 'zod'
import { ALGORITHM, claimsOf } from '../dialects/signed-token.js'
import { jose } from '../jose.js'
import type { Origin } from './origins.js'
import type { Site } from './sites.js'

/** Who a visitor's token is for. */
export interface Session {
  /** Ends when it is signed out; renewed tokens have the same. */
  id: Id
  userId: Id
  /** The id of a known customer at the site; absent for a guest. */
  customer?: string
  expiresAt: Date
}

/** A file that a visitor uploaded, to be sent by that visitor alone. */
export interface UploadedFile {
  url: string
  name?: string | undefined
  type: string
  size: number
}

const ISSUER = 'plugboard-web'

const id = z.string().refine(isId)

const sessionClaims = z.object({
  sub: id,
  sid: id,
  org: z.string(),
  cus: z.string().optional(),
  exp: z.number(),
})

const uploadClaims = z.object({
  sub: id,
  cid: id,
  url: z.string(),
  name: z.string().optional(),
  type: z.string(),
  size: z.number(),
})

/** How long an uploaded file may wait to be sent, in seconds. */
const UPLOAD_TTL_SECONDS = 3_600

/** Tokens of visitors: signed, bound to an integration of a client and to an origin, and not stored. */
export class VisitorTokens {
  readonly #key: KeyObject
  readonly #now: () => number

  constructor(key: Uint8Array, now: () => number = Date.now) {
    this.#key = createSecretKey(key)
    this.#now = now
  }

  async sign(site: Site, origin: Origin, { id: sid, userId, customer, expiresAt }: Session): Promise<string> {
    const claims = { sub: userId, sid, org: origin, ...(customer !== undefined && { cus: customer }) }
    return this.#sign(claims, audienceOf(site, 'session'), Math.floor(expiresAt.getTime() / 1000))
  }

  /** The session of a token that was made here for this site and this origin, also if it has expired; else undefined. */
  async verify(token: string, site: Site, origin: Origin): Promise<Session | undefined> {
    // The expiry is the caller's to check: the answer to an expired token is another one than to a forged one.
    const currentDate = new Date(0)
    const claims = await claimsOf(token, this.#key, {
      ...{ issuer: ISSUER, audience: audienceOf(site, 'session'), requiredClaims: ['exp'], currentDate },
    })
    const { data } = sessionClaims.safeParse(claims)
    if (data?.org !== origin) return undefined
    const { sub: userId, sid, cus: customer, exp } = data
    return {
      ...{ id: sid, userId, expiresAt: new Date(exp * 1000) },
      ...(customer !== undefined && { customer }),
    }
  }

  /** The id of an uploaded file, by which the same visitor can send it in the same conversation. */
  async signUpload(site: Site, by: { userId: Id; conversationId: Id }, file: UploadedFile): Promise<string> {
    const claims = { sub: by.userId, cid: by.conversationId, ...file }
    const expiry = Math.floor(this.#now() / 1000) + UPLOAD_TTL_SECONDS
    return this.#sign(claims, audienceOf(site, 'upload'), expiry)
  }

  /** The file of an id of {@link signUpload}; undefined for any other text. */
  async verifyUpload(
    text: string,
    site: Site,
    by: { userId: Id; conversationId: Id },
  ): Promise<UploadedFile | undefined> {
    const claims = await claimsOf(text, this.#key, {
      ...{ issuer: ISSUER, audience: audienceOf(site, 'upload'), requiredClaims: ['exp'] },
      currentDate: new Date(this.#now()),
    })
    const { data } = uploadClaims.safeParse(claims)
    if (!data || data.sub !== by.userId || data.cid !== by.conversationId) return undefined
    const { url, name, type, size } = data
    return { url, name, type, size }
  }

  async #sign(claims: object, audience: string, expiresAt: number): Promise<string> {
    const { SignJWT } = await jose()
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: ALGORITHM })
      .setJti(newId())
      .setIssuedAt(Math.floor(this.#now() / 1000))
      .setExpirationTime(expiresAt)
      .setIssuer(ISSUER)
      .setAudience(audience)
      .sign(this.#key)
  }
}

const audienceOf = ({ client, integration }: Site, purpose: 'session' | 'upload'): string =>
  `${purpose} ${client.id} ${integration.id}`
