import { type InboundRequest, type Integration, readJson, type Verdict } from '@plugboard/core'
import { errors, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Session } from './api.js'
import type { Config, Options } from './config.js'
import { serviceUrlIn } from './service-url.js'
import type { SigningKeys } from './signing-keys.js'

/** Largest accepted difference between Microsoft's clock and the server's. */
const TOLERANCE_SECONDS = 5 * 60
/** Longest token. */
const MAX_TOKEN = 16_000
/** The name of Teams among the channels of a bot. */
const CHANNEL_ID = 'msteams'

const claimSchema = z.union([
  z.object({ serviceurl: z.string() }).transform(({ serviceurl }) => serviceurl),
  z.object({ serviceUrl: z.string() }).transform(({ serviceUrl }) => serviceUrl),
])
const activitySchema = z.object({ channelId: z.string(), serviceUrl: z.string() })

const refused = (reason: 'missing' | 'mismatch' | 'stale' | 'malformed'): Verdict => ({ ok: false, reason })

/**
 * Each request has a token that Microsoft signed for this bot, for about an hour, and for one address of its Bot
 * Connector. The token does not cover the body, so the address in the body is compared with that of the token: replies,
 * which carry the access token of the bot, go there.
 * https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication#connector-to-bot
 */
export const verify =
  (keys: SigningKeys, { issuer }: Options) =>
  async (
    { headers, body }: InboundRequest,
    { config }: Pick<Integration<Config, Session>, 'config'>,
  ): Promise<Verdict> => {
    const { authorization } = headers
    if (!authorization) return refused('missing')
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization)?.[1]
    if (token === undefined || token.length > MAX_TOKEN) return refused('malformed')
    let endorsements: readonly string[] = []
    let claim: string | undefined
    try {
      const { payload } = await jwtVerify(
        token,
        async ({ kid }) => {
          const found = typeof kid === 'string' ? await keys.find(kid) : undefined
          if (!found) throw new errors.JWKSNoMatchingKey()
          endorsements = found.endorsements
          return found.key
        },
        {
          algorithms: ['RS256'],
          issuer,
          // Microsoft writes it in lower case, whoever configured it otherwise.
          audience: [config.appId, config.appId.toLowerCase()],
          clockTolerance: TOLERANCE_SECONDS,
          requiredClaims: ['exp'],
        },
      )
      claim = claimSchema.safeParse(payload).data
    } catch (error) {
      if (error instanceof errors.JOSEError) return refused(reasonOf(error))
      throw error
    }
    const activity = readActivity(body)
    if (!activity) return refused('malformed')
    const isOfTeams = activity.channelId === CHANNEL_ID && endorsements.includes(CHANNEL_ID)
    const serviceUrl = serviceUrlIn(claim)
    const isSame = serviceUrl !== undefined && serviceUrl === serviceUrlIn(activity.serviceUrl)
    return isOfTeams && isSame ? { ok: true } : refused('mismatch')
  }

function readActivity(body: Uint8Array): z.infer<typeof activitySchema> | undefined {
  try {
    return activitySchema.safeParse(readJson(body)).data
  } catch {
    return undefined
  }
}

function reasonOf(error: errors.JOSEError): 'mismatch' | 'stale' | 'malformed' {
  if (error instanceof errors.JWTExpired) return 'stale'
  if (error instanceof errors.JWTClaimValidationFailed) return error.claim === 'nbf' ? 'stale' : 'mismatch'
  const isForm = error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid
  return isForm ? 'malformed' : 'mismatch'
}
