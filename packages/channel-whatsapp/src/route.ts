import type { InboundRequest, Routed } from '@plugboard/core'
import { answerHandshake, verifyWebhook } from '@plugboard/graph-api'
import type { Options } from './config.js'
import { phoneNumberIdsIn } from './inbound.js'

/** Meta calls one URL for all numbers of an app. Undefined if the operator has none. */
export const route =
  ({ appSecret, verifyToken }: Options) =>
  (request: InboundRequest): Routed | undefined => {
    if (appSecret === undefined) return undefined
    const verdict = verifyWebhook(request, { appSecret, verifyToken })
    if (!verdict.ok) return { verdict, accounts: [] }
    const response = answerHandshake(request)
    return response ? { verdict, accounts: [], response } : { verdict, accounts: phoneNumberIdsIn(request) }
  }
