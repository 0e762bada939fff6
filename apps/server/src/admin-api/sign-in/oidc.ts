import { PlugboardError } from '@plugboard/core'
import type { Configuration, CustomFetch, IDToken, UserInfoResponse } from 'openid-client'
import { z } from 'zod'
import { isLoopback } from '../../config/local-only.js'
import type { Config } from '../../config/read-config.js'
import { valueAt } from '../../dialects/note-failure.js'
import { ALGORITHM, claimsOf } from '../../dialects/signed-token.js'
import type { PublicUrls } from '../../http/public-urls.js'
import { jose } from '../../jose.js'
import { lazyModule } from '../../lazy.js'
import { type AdminRole, includesRole } from '../actor.js'

type Settings = Pick<Config, 'oidcIssuer' | 'oidcClientId' | 'oidcClientSecret' | 'oidcScope' | 'oidcRoles'>

export interface SingleSignOnOptions {
  config: Settings
  urls: Pick<PublicUrls, 'base'>
  /** Signs what a browser keeps during a sign-in. The same for all processes. */
  key: Uint8Array
}

/** Who somebody is, as the provider says. */
export interface Identity {
  subject: { issuer: string; id: string }
  /** In lower case. Absent if the provider says none, or one that operators cannot have. */
  email?: string
  /** Whether the provider has checked that the address is theirs. */
  isVerified: boolean
  name?: string
  /** By OIDC_ROLES; absent if none of its rules matches. */
  role?: AdminRole
  /** Where to go afterwards, below the console. */
  returnTo: string
}

/** How long a sign-in at the provider may take. */
export const FLOW_SECONDS = 600
/** Longest time for an answer of the provider, in seconds. */
const TIMEOUT_SECONDS = 10
/** Longest answer of the provider, in bytes. Its library reads any as a whole. */
const MAX_ANSWER_BYTES = 1_048_576
/** How long the metadata of the provider is used without asking again, in milliseconds. */
const METADATA_MS = 60 * 60 * 1000

const AUDIENCE = 'oidc'

/**
 * Addresses of operators have printable characters of ASCII alone, also those that an administrator types. Others may look
 * like somebody else's in the audit log, and some become them in lower case: `\u212a` (Kelvin) becomes `k`.
 */
const EMAIL = /^[\x21-\x3f\x41-\x7e]+@[\x21-\x3f\x41-\x7e]+$/

const client = lazyModule(() => import('openid-client'))

const flow = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  returnTo: z.string(),
})

/** https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */
const identityClaims = z.looseObject({
  sub: z.string().min(1).max(255),
  email: z.string().max(320).optional(),
  // Some providers send texts.
  email_verified: z.union([z.boolean(), z.enum(['true', 'false'])]).optional(),
  name: z.string().optional(),
})

/** Sign-in with OpenID Connect: the code flow with PKCE, `state` and `nonce`. */
export class SingleSignOn {
  readonly #options: SingleSignOnOptions
  #provider: { read: Promise<Configuration>; at: number } | undefined

  constructor(options: SingleSignOnOptions) {
    this.#options = options
  }

  get isConfigured(): boolean {
    return this.#options.config.oidcIssuer !== undefined
  }

  /**
   * Begins a sign-in. `flow` is for the cookie of the browser that comes back.
   * @throws INVALID if it is not configured; UNAVAILABLE if the provider cannot be reached
   */
  async start(returnTo: string): Promise<{ url: URL; flow: string }> {
    const provider = await this.#metadata()
    const { buildAuthorizationUrl, calculatePKCECodeChallenge, ...random } = await client()
    const verifier = random.randomPKCECodeVerifier()
    const kept: z.infer<typeof flow> = {
      ...{ state: random.randomState(), nonce: random.randomNonce() },
      ...{ verifier, returnTo },
    }
    const url = buildAuthorizationUrl(provider, {
      redirect_uri: this.#redirectUri,
      scope: this.#options.config.oidcScope,
      ...{ state: kept.state, nonce: kept.nonce },
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    return { url, flow: await this.#sealed(kept) }
  }

  /**
   * Ends a sign-in. `search`: the query that the provider sent.
   * @throws UNAUTHORIZED if the answer does not belong to this browser or is not valid; UNAVAILABLE
   */
  async finish(search: string, sealed: string | undefined): Promise<Identity> {
    const provider = await this.#metadata()
    const found =
      sealed === undefined ? undefined : await claimsOf(sealed, this.#options.key, { audience: AUDIENCE })
    const kept = flow.safeParse(found)
    if (!kept.success)
      throw new PlugboardError(
        'UNAUTHORIZED',
        'the sign-in took too long, or began in another browser: try again',
      )
    const { state, nonce, verifier, returnTo } = kept.data
    const { authorizationCodeGrant, fetchUserInfo } = await client()
    const url = new URL(this.#redirectUri)
    url.search = search
    try {
      const tokens = await authorizationCodeGrant(provider, url, {
        ...{ pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
      })
      const claims = tokens.claims()
      if (!claims) throw new Error('the provider sent no ID token')
      const { userinfo_endpoint, issuer } = provider.serverMetadata()
      const more = userinfo_endpoint ? await fetchUserInfo(provider, tokens.access_token, claims.sub) : {}
      return { ...this.#identityOf(issuer, { ...verifiedOf(more, claims), ...claims }), returnTo }
    } catch (cause) {
      throw new PlugboardError('UNAUTHORIZED', 'the provider did not confirm who you are: try again', {
        cause,
      })
    }
  }

  #identityOf(issuer: string, claims: object): Omit<Identity, 'returnTo'> {
    const { sub, email, email_verified, name } = identityClaims.parse(claims)
    const role = roleOf(this.#options.config.oidcRoles ?? [], claims)
    return {
      subject: { issuer, id: sub },
      ...(email !== undefined && EMAIL.test(email) && { email: email.toLowerCase() }),
      isVerified: String(email_verified) === 'true',
      ...(name !== undefined && name !== '' && { name: name.slice(0, 100) }),
      ...(role && { role }),
    }
  }

  get #redirectUri(): string {
    return `${this.#options.urls.base}/admin/v1/oidc/callback`
  }

  #metadata(): Promise<Configuration> {
    const now = Date.now()
    if (!this.#provider || now - this.#provider.at > METADATA_MS) {
      const read = this.#discover()
      this.#provider = { read, at: now }
      // The next sign-in tries again.
      read.catch(() => {
        this.#provider = undefined
      })
    }
    return this.#provider.read
  }

  async #discover(): Promise<Configuration> {
    const { oidcIssuer, oidcClientId, oidcClientSecret } = this.#options.config
    if (oidcIssuer === undefined || oidcClientId === undefined)
      throw new PlugboardError('INVALID', 'there is no sign-in with OpenID Connect: OIDC_ISSUER is not set')
    const { allowInsecureRequests, customFetch, discovery, None } = await client()
    const issuer = new URL(oidcIssuer)
    try {
      return await discovery(
        issuer,
        oidcClientId,
        oidcClientSecret,
        oidcClientSecret === undefined ? None() : undefined,
        {
          timeout: TIMEOUT_SECONDS,
          [customFetch]: boundedFetch,
          // The setting allows http for this machine alone.
          ...(isLoopback(issuer.hostname) && { execute: [allowInsecureRequests] }),
        },
      )
    } catch (cause) {
      throw new PlugboardError(
        'UNAVAILABLE',
        'the provider of OIDC_ISSUER cannot be reached, or does not answer as this issuer',
        { cause },
      )
    }
  }

  async #sealed(kept: z.infer<typeof flow>): Promise<string> {
    const { SignJWT } = await jose()
    return new SignJWT(kept)
      .setProtectedHeader({ alg: ALGORITHM })
      .setAudience(AUDIENCE)
      .setExpirationTime(`${FLOW_SECONDS}s`)
      .sign(this.#options.key)
  }
}

/** Cuts an answer that is too long. */
const boundedFetch: CustomFetch = async (url, options) => {
  const { body, status, headers } = await fetch(url, options as RequestInit)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) throw new Error('the answer of the provider is too long')
    chunks.push(chunk)
  }
  return new Response(bytes === 0 ? null : Buffer.concat(chunks), { status, headers })
}

/** The user information, whose word about an e-mail address counts for no other address. */
function verifiedOf({ email_verified, ...more }: Partial<UserInfoResponse>, { email }: IDToken): object {
  const isOther = email !== undefined && email !== more.email
  return isOther || email_verified === undefined ? more : { ...more, email_verified }
}

/** The most that one of the rules gives; undefined if none matches. */
export function roleOf(rules: NonNullable<Settings['oidcRoles']>, claims: object): AdminRole | undefined {
  let most: AdminRole | undefined
  for (const { claim, value, role } of rules) {
    const isMatch = claim === undefined || valuesOf(claims, claim).includes(value)
    if (isMatch && (most === undefined || includesRole(role, most))) most = role
  }
  return most
}

/** Values of a claim, which may be inside others: `realm_access.roles`. Some have dots in their own names. */
function valuesOf(claims: object, claim: string): string[] {
  const found = valueAt(claims, [claim]) ?? valueAt(claims, claim.split('.'))
  return [found ?? []].flat().map(String)
}
