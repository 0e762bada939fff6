import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type FormFile, fileIn, isForm, MalformedForm } from '../../../http/files/form-file.js'
import { badRequest, SunshineError, tooLarge } from '../errors.js'
import { conversationIdOf, findConversation } from '../find.js'
import { defineRoute, type Scope } from '../route.js'
import * as schemas from '../schemas.js'

const upload = z.object({
  access: z.literal('public'),
  for: z.literal('message').optional(),
  conversationId: z.string().optional(),
})
const form = z.object({ source: z.unknown().meta({ type: 'string', format: 'binary' }) })
const uploaded = z.object({ attachment: z.object({ mediaUrl: z.url(), mediaType: z.string() }) })
const removal = z.object({ mediaUrl: z.string().min(1) })

/** Allowance for boundaries, headers and other fields of the form. */
const AROUND_BYTES = 65_536

/** Files that are kept here, to show them in messages. */
export function attachmentRoutes(scope: Scope): void {
  const { hub } = scope
  const common = { tag: 'attachments', access: 'integration', method: 'POST' } as const
  // In a separate scope, because no other route takes forms with files.
  scope.app.register(async (app) => {
    // The route reads the body.
    app.addContentTypeParser('multipart/form-data', (_request, _body, done) => done(null))
    defineRoute(
      { ...scope, app },
      {
        ...common,
        url: '/apps/:appId/attachments',
        summary: 'Upload a file: the field `source` of a multipart form',
        operationId: 'UploadAttachment',
        form,
        query: upload,
        status: 201,
        response: uploaded,
        handle: async ({ client, query, request }) => {
          try {
            const { conversationId } = query
            if (conversationId !== undefined) await findConversation(hub, client, conversationId)
            const { body, type: claimed, name } = await sourceOf(request, hub.attachments.maxBytes)
            const { url, type } = await hub.attachments.upload(client, {
              body,
              type: claimed,
              ...(name !== undefined && { name }),
              ...(query.for === 'message' &&
                conversationId !== undefined && { conversationId: conversationIdOf(conversationId) }),
            })
            return { attachment: { mediaUrl: url, mediaType: type } }
          } catch (error) {
            if (!(error instanceof MalformedForm)) throw error
            throw badRequest('The body is not valid multipart/form-data')
          } finally {
            letGo(request)
          }
        },
      },
    )
  })
  defineRoute(scope, {
    ...common,
    url: '/apps/:appId/attachments/remove',
    summary: 'Delete a file',
    operationId: 'DeleteAttachment',
    body: removal,
    response: schemas.empty,
    handle: async ({ client, body }) => {
      await hub.attachments.remove(client, body.mediaUrl)
      return {}
    },
  })
}

/** The file of a form, which begins to be read. @throws bad_request, payload_too_large, unsupported_media_type */
async function sourceOf({ headers, raw }: FastifyRequest, maxBytes: number): Promise<FormFile> {
  if (!isForm(headers['content-type']))
    throw new SunshineError(415, { code: 'unsupported_media_type', title: 'Unsupported media type' })
  // Rejected before reading, if the size is already known.
  if (Number(headers['content-length'] ?? 0) > maxBytes + AROUND_BYTES) throw tooLarge(maxBytes)
  const file = await fileIn(raw, { field: 'source', maxBytes })
  if (!file) throw badRequest("should have required property 'source'")
  return file
}

/** Discards the rest of a rejected body, so that it blocks nothing. */
function letGo({ raw }: FastifyRequest): void {
  if (raw.readableEnded) return
  raw.unpipe()
  raw.resume()
}
