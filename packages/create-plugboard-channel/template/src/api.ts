import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Config } from './config.js'
import { Refusal } from './failure.js'

/** What is made of a configuration once, and not for each message. */
export interface Session {
  authorization: string
  signingKey: KeyObject
}

export const connect = ({ apiToken, signingSecret }: Config): Session => ({
  authorization: `Bearer ${apiToken}`,
  signingKey: createSecretKey(Buffer.from(signingSecret)),
})

/** One request to Acme Chat, in the name of an integration. @throws when it answers with anything but a 2xx. */
export type Api = (path: string, session: Session, init: RequestInit) => Promise<Response>

/** `fetch` is the host's: it refuses addresses that the server may not call. There are no retries; the host owns them. */
export function apiOf(apiUrl: string, fetch: typeof globalThis.fetch): Api {
  const base = apiUrl.replace(/\/+$/, '')
  return async (path, { authorization }, init) => {
    const headers = { authorization, ...init.headers }
    const response = await fetch(base + path, { ...init, headers, redirect: 'manual' })
    if (response.ok) return response
    await response.body?.cancel()
    throw new Refusal(response)
  }
}
