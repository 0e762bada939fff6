import multipart, { type MultipartFile } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
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
const FIELDS = { parts: 20, fields: 19, fieldSize: 4_096, fieldNameSize: 200, headerPairs: 50 }

/** Files that are kept here, to show them in messages. */
export function attachmentRoutes(scope: Scope): void {
  const { hub } = scope
  const common = { tag: 'attachments', access: 'integration', method: 'POST' } as const
  // In a separate scope, because the form parser hooks into every request of its scope.
  scope.app.register(async (app) => {
    // The hub refuses what is too large.
    await app.register(multipart, { throwFileSizeLimit: false })
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
            const part = await sourceOf(request, hub.attachments.maxBytes)
            const { url, type } = await hub.attachments.upload(client, {
              body: bytesOf(part),
              type: part.mimetype,
              ...(part.filename !== undefined && { name: part.filename }),
              ...(query.for === 'message' &&
                conversationId !== undefined && { conversationId: conversationIdOf(conversationId) }),
            })
            return { attachment: { mediaUrl: url, mediaType: type } }
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
async function sourceOf(request: FastifyRequest, maxBytes: number): Promise<MultipartFile> {
  if (!request.isMultipart())
    throw new SunshineError(415, { code: 'unsupported_media_type', title: 'Unsupported media type' })
  // Rejected before reading, if the size is already known.
  if (Number(request.headers['content-length'] ?? 0) > maxBytes + AROUND_BYTES) throw tooLarge(maxBytes)
  try {
    const parts = request.parts({
      limits: { ...FIELDS, fileSize: maxBytes + 1 },
      // The official client sends a Buffer without the name of a file.
      isPartAFile: (name, type, filename) =>
        name === 'source' || filename !== undefined || type === 'application/octet-stream',
    })
    for await (const part of parts) {
      if (part.type !== 'file') continue
      if (part.fieldname === 'source') return part
      part.file.resume()
    }
  } catch {
    throw malformed()
  }
  throw badRequest("should have required property 'source'")
}

async function* bytesOf({ file }: MultipartFile): AsyncGenerator<Uint8Array> {
  try {
    yield* file
  } catch {
    throw malformed()
  }
}

const malformed = (): SunshineError => badRequest('The body is not valid multipart/form-data')

/** Discards the rest of a rejected body, so that it blocks nothing. */
function letGo({ raw }: FastifyRequest): void {
  if (raw.readableEnded) return
  raw.unpipe()
  raw.resume()
}
