import type { Hub } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import type { VisitorLimits } from './limits.js'
import type { Origins } from './origins.js'
import type { Sites } from './sites.js'
import type { VisitorConversations } from './visitor-conversations.js'
import type { VisitorTokens } from './visitor-tokens.js'
import type { Visitors } from './visitors.js'

/** What the routes of this API share. */
export interface Scope {
  app: FastifyInstance
  hub: Hub
  sites: Sites
  origins: Origins
  visitors: Visitors
  conversations: VisitorConversations
  tokens: VisitorTokens
  limits: VisitorLimits
}
