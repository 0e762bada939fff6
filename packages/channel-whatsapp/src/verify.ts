import type { InboundRequest, Integration, Verdict } from '@plugboard/core'
import { verifyWebhook } from '@plugboard/graph-api'
import type { Session } from './api.js'
import type { Config } from './config.js'

/** A configuration without secrets has no webhook of its own: its events come to the operator's. */
export const verify = (request: InboundRequest, { config }: Integration<Config, Session>): Verdict =>
  verifyWebhook(request, config)
