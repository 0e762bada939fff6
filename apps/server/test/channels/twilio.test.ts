import { twilio } from '../support/providers/twilio.js'
import { inboundBehaviour } from './inbound.js'
import { outboundBehaviour } from './outbound.js'

inboundBehaviour(twilio)
outboundBehaviour(twilio)
