import type { Agent } from 'undici'
import { lazy, lazyModule } from '../lazy.js'
import { type Allowance, refusal, TargetForbiddenError } from './guard.js'

/** Longest answer that is read, in bytes. */
const MAX_RESPONSE_BYTES = 33_554_432

/**
 * `fetch` for channels: it calls permitted addresses only, returns redirects instead of following them, and waits for
 * the headers and for each chunk of an answer no longer than `timeoutMs`.
 */
export function guardedFetch(allowance: Allowance, timeoutMs: number): typeof globalThis.fetch {
  const agent = lazy(() => createAgent(allowance, timeoutMs))
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    const reason = refusal(url, allowance)
    if (reason) throw new TargetForbiddenError(reason)
    const redirect = init?.redirect === 'error' ? 'error' : 'manual'
    // Node's fetch takes an undici dispatcher, which the web's types lack.
    const guarded = { ...init, redirect, dispatcher: await agent() }
    return fetch(input, guarded as unknown as RequestInit)
  }
}

/** undici takes 120 ms to load, so the start does not wait for it. */
const connecting = lazyModule(() => Promise.all([import('undici'), import('./guarded-connect.js')]))

async function createAgent(allowance: Allowance, timeoutMs: number): Promise<Agent> {
  const [{ Agent }, { guardedConnect }] = await connecting()
  return new Agent({
    connect: guardedConnect(allowance, { timeoutMs }),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: MAX_RESPONSE_BYTES,
  })
}
