import { timingSafeEqual } from 'node:crypto'
import type { InboundRequest, Integration, Verdict } from '@plugboard/core'
import type { Session } from './api.js'
import type { Config } from './config.js'

/** Telegram does not sign requests; it sends the secret that was registered with the webhook. */
export function verify({ headers }: InboundRequest, { session }: Integration<Config, Session>): Verdict {
  const said = headers['x-telegram-bot-api-secret-token']
  if (!said) return { ok: false, reason: 'missing' }
  const theirs = Buffer.from(said)
  const ours = Buffer.from(session.secret)
  const isSame = theirs.length === ours.length && timingSafeEqual(theirs, ours)
  return isSame ? { ok: true } : { ok: false, reason: 'mismatch' }
}
