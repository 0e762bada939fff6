import { telegram } from '../support/providers/telegram.js'
import { inboundBehaviour } from './inbound.js'
import { outboundBehaviour } from './outbound.js'

inboundBehaviour(telegram)
outboundBehaviour(telegram)
