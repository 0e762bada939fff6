import { slack } from '../support/providers/slack.js'
import { inboundBehaviour } from './inbound.js'
import { outboundBehaviour } from './outbound.js'

inboundBehaviour(slack)
outboundBehaviour(slack)
