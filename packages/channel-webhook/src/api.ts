import { Webhook } from 'standardwebhooks'
import type { Config } from './config.js'

/** The decoded keys of one integration, the current one first. */
export type Session = readonly Webhook[]

export function connect({ secret, previousSecret }: Config): Session {
  return [secret, ...(previousSecret === undefined ? [] : [previousSecret])].map((each) => new Webhook(each))
}
