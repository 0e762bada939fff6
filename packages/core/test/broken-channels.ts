import { declared } from './broken/declaration.js'
import { inbound, shared } from './broken/inbound.js'
import { listening } from './broken/listen.js'
import { optional } from './broken/optional.js'
import { outbound } from './broken/outbound.js'
import { secrecy } from './broken/secrecy.js'
import type { Change } from './sound-channel.js'

/** One way, or more, to break each rule. */
export const broken: Record<string, Change[]> = {
  ...declared,
  ...inbound,
  ...shared,
  ...listening,
  ...outbound,
  ...secrecy,
  ...optional,
}
