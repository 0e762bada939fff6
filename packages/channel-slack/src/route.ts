import { type InboundRequest, isPlugboardError, type Routed } from '@plugboard/core'
import type { Options } from './config.js'
import { readBody } from './inbound.js'
import { teamsIn } from './teams.js'
import { verify } from './verify.js'

/** Verifies a request to the URL of the operator's app, and finds the workspaces that it is about. */
export const route =
  ({ signingSecret }: Options) =>
  (request: InboundRequest): Routed | undefined => {
    if (signingSecret === undefined) return undefined
    const verdict = verify(request, signingSecret)
    if (!verdict.ok) return { verdict, accounts: [] }
    try {
      const body = readBody(request)
      if (body.kind === 'answered') return { verdict, accounts: [], response: body.response }
      return { verdict, accounts: teamsIn(body.value) }
    } catch (error) {
      if (!isPlugboardError(error, 'INVALID')) throw error
      return { verdict: { ok: false, reason: 'malformed' }, accounts: [] }
    }
  }
