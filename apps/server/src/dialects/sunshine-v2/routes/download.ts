import { z } from 'zod'
import { AppleDataError } from '../../../apple/apple-data-error.js'
import { appleIntegrationOf } from '../../../apple/integration.js'
import { lazyModule } from '../../../lazy.js'
import { badRequest, notFound } from '../errors.js'
import { findConversation, findUserId } from '../find.js'
import { defineRoute, type Scope } from '../route.js'

const appleModule = lazyModule(() => import('../../../apple/interactive-data.js'))

/** Valid characters of a header value. */
const token = z.string().regex(/^[\x21-\x7e]{1,2000}$/, { error: 'should be printable ASCII' })

const reference = z.object({
  userId: z.string().min(1),
  apple: z.object({
    interactiveDataRef: z.object({
      url: token,
      bid: token,
      key: z.string().min(1).max(200),
      signature: token,
      owner: token,
    }),
  }),
})

export interface DownloadOptions {
  /** Reaches permitted addresses only, since a caller chooses them. */
  fetch: typeof globalThis.fetch
  /** Longest time for one download. */
  timeoutMs: number
}

/** Data that a message of a channel only refers to. */
export function downloadRoutes(scope: Scope, options: DownloadOptions): void {
  const { hub } = scope
  defineRoute(scope, {
    tag: 'conversations',
    access: 'integration',
    method: 'POST',
    url: '/apps/:appId/conversations/:conversationId/download',
    summary: 'Download the data that a message of Apple Messages for Business refers to',
    operationId: 'DownloadMessageRef',
    body: reference,
    response: z.looseObject({}),
    handle: async ({ client, params, body }) => {
      await findConversation(hub, client, params.conversationId)
      await findUserId(hub, client, { userId: body.userId })
      const apple = appleIntegrationOf(client)
      if (!apple) throw notFound('integration')
      const { fetchInteractiveData } = await appleModule()
      try {
        return await fetchInteractiveData(body.apple.interactiveDataRef, { ...options, ...apple })
      } catch (error) {
        throw error instanceof AppleDataError ? badRequest(error.message) : error
      }
    },
  })
}
