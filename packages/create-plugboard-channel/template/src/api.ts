import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Config } from './config.js'
import { Refusal } from './failure.js'

/** Prepared once per configuration, not per message. */
export interface Session {
  authorization: string
  signingKey: KeyObject
}

export const connect = ({ apiToken, signingSecret }: Config): Session => ({
  authorization: `Bearer ${apiToken}`,
  signingKey: createSecretKey(Buffer.from(signingSecret)),
})

/** One request to Acme Chat for an integration. @throws unless the status is 2xx */
export type Api = (path: string, session: Session, init: RequestInit) => Promise<Response>

/** `fetch` comes from the host and rejects forbidden addresses. No retries here: the host retries. */
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
