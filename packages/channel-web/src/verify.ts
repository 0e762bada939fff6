import type { Verdict } from '@plugboard/core'

/** There is no provider: visitors use the API of the server, and nobody may call the webhook. */
export const verify = (): Verdict => ({ ok: false, reason: 'missing' })
