import { discord } from './discord.js'
import { instagram } from './instagram.js'
import { messenger } from './messenger.js'
import type { Kind } from './provider.js'
import { slack } from './slack.js'
import { smooch } from './smooch.js'
import { teams } from './teams.js'
import { telegram } from './telegram.js'
import { twilio } from './twilio.js'
import { vonage } from './vonage.js'
import { whatsapp } from './whatsapp.js'

/** Every provider that tests know. */
export const kinds: readonly Kind[] = [
  discord,
  instagram,
  messenger,
  slack,
  smooch,
  teams,
  telegram,
  twilio,
  vonage,
  whatsapp,
]
