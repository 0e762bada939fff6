import type { InboundRequest, Integration, Verdict } from '@plugboard/core'
import { verifyWebhook } from '@plugboard/graph-api'
import type { Session } from './api.js'
import type { Config } from './config.js'

/** Meta signs no time, so replays are detected by the dedupe keys of the events. */
export const verify = (request: InboundRequest, { config }: Integration<Config, Session>): Verdict =>
  verifyWebhook(request, config)
