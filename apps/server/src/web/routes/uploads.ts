import { invalid, PlugboardError } from '@plugboard/core'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { fileIn, isForm, MalformedForm } from '../../http/files/form-file.js'
import { Refusal } from '../errors.js'
import { defineRoute } from '../route.js'
import type { Scope } from '../scope.js'
import type { Site } from '../sites.js'
import { conversationParams } from './conversations.js'

/** Allowance for boundaries, headers and other fields of a form. */
const AROUND_BYTES = 65_536
const MAX_NAME = 1_000
const FIELD = 'file'

const uploaded = z.object({
  id: z.string().describe('For `upload` of a message: of this visitor, in this conversation, for an hour.'),
  url: z.url(),
  name: z.string().optional(),
  type: z.string(),
  size: z.int(),
})

interface Source {
  body: AsyncIterable<Uint8Array>
  type: string
  name?: string | undefined
}

/** Files that visitors send. */
export function uploadRoutes(scope: Scope): void {
  const { hub, conversations, tokens, limits } = scope
  // In a separate scope, because no other route takes files.
  scope.app.register(async (app) => {
    app.removeAllContentTypeParsers()
    // The route reads the body.
    app.addContentTypeParser('*', (_request, _body, done) => done(null))
    defineRoute(
      { ...scope, app },
      {
        method: 'POST',
        path: '/conversations/:id/uploads',
        operationId: 'webUploadFile',
        summary:
          'Upload a file: the body itself, with `Content-Type` and `X-File-Name`, or the field `file` of a form',
        headers: z.object({
          'x-file-name': z.string().optional().meta({ description: 'UTF-8, percent-encoded' }),
        }),
        params: conversationParams,
        status: 201,
        errors: [413, 415],
        response: uploaded,
        handle: async ({ site, visitor, params, request }) => {
          try {
            const { userId } = visitor
            const { view } = await conversations.get({ site, visitor }, params.id)
            const maxBytes = Math.min(site.config.uploads.maxBytes, hub.attachments.maxBytes)
            const announced = Number(request.headers['content-length'] ?? 0)
            if (announced > maxBytes + AROUND_BYTES) throw tooLarge(maxBytes)
            limits.admitUpload(userId, announced)
            const { body, type: claimed, name: given } = await sourceOf(request, maxBytes)
            assertAccepted(site, claimed)
            const { url, name, type, size } = await hub.attachments.upload(site.client, {
              ...{ body: atMost(maxBytes, body), type: claimed, conversationId: view.id },
              ...(given !== undefined && { name: given }),
            })
            limits.spendUpload(userId, Math.max(0, size - announced))
            await removeIfNotAccepted(site, { url, type, size })
            const file = { url, name, type, size }
            return { id: await tokens.signUpload(site, { userId, conversationId: view.id }, file), ...file }
          } catch (error) {
            if (!(error instanceof MalformedForm)) throw error
            throw invalid({ path: ['body'], message: 'is not valid multipart/form-data' })
          } finally {
            letGo(request)
          }
        },
      },
    )
  })

  /** The bytes decide what a file is, whatever its sender claims. */
  async function removeIfNotAccepted(
    site: Site,
    { url, type, size }: { url: string; type: string; size: number },
  ): Promise<void> {
    try {
      if (size === 0) throw invalid({ path: [FIELD], message: 'must not be empty' })
      assertAccepted(site, type)
    } catch (error) {
      await hub.attachments.remove(site.client, url)
      throw error
    }
  }
}

/** @throws TYPE_FORBIDDEN */
function assertAccepted({ config }: Site, type: string): void {
  const bare = type.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const isAccepted = config.uploads.types.some((each) =>
    each.endsWith('/*') ? bare.startsWith(each.slice(0, -1)) : bare === each,
  )
  if (!isAccepted)
    throw new Refusal(
      'TYPE_FORBIDDEN',
      `files of the type ${bare.slice(0, 100) || 'unknown'} are not accepted`,
      'type',
    )
}

/** The file of a request, which begins to be read. @throws INVALID, MalformedForm */
async function sourceOf({ headers, raw }: FastifyRequest, maxBytes: number): Promise<Source> {
  const type = headers['content-type'] ?? ''
  // The request stays open when the file is refused, so that the refusal is read.
  if (!isForm(type))
    return { body: raw.iterator({ destroyOnReturn: false }), type, name: nameIn(headers['x-file-name']) }
  const file = await fileIn(raw, { field: FIELD, maxBytes })
  if (!file) throw invalid({ path: [FIELD], message: 'is required' })
  return file
}

/** @throws INVALID */
function nameIn(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  try {
    const name = decodeURIComponent(String(header))
    if (name.length <= MAX_NAME) return name
  } catch {
    // It is answered below.
  }
  throw invalid({ path: ['x-file-name'], message: 'must be a name in percent-encoded UTF-8' })
}

async function* atMost(maxBytes: number, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const piece of body) {
    bytes += piece.byteLength
    if (bytes > maxBytes) throw tooLarge(maxBytes)
    yield piece
  }
}

const tooLarge = (maxBytes: number): PlugboardError =>
  new PlugboardError('TOO_LARGE', `a file may have ${maxBytes} bytes at most`)

/** Discards the rest of a rejected body, so that it blocks nothing. */
function letGo({ raw }: FastifyRequest): void {
  if (raw.readableEnded) return
  raw.unpipe()
  raw.resume()
}
