import { Readable } from 'node:stream'
import { isId, PlugboardError } from '@plugboard/core'
import type { Hub, OpenBlob } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { fileAnswer, OPEN } from '../api-document/description.js'
import { sendPlainError } from '../errors/plain-errors.js'
import { fileHeaders } from './file-headers.js'

export interface AttachmentsOptions {
  hub: Pick<Hub, 'attachments'>
  /** Longest time for passing one on. */
  timeoutMs: number
}

interface Params {
  clientId: string
  id: string
  mac: string
}

/** How long caches may show one without asking: its bytes never change, but it may be removed. */
const MAX_AGE_SECONDS = 900

/** Lets pages of any origin read the file: the address alone grants access. */
const FOR_ALL = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' }

/** Shows the files that clients keep here, under the signed addresses that an upload answers. */
export async function attachments(app: FastifyInstance, options: AttachmentsOptions): Promise<void> {
  const { hub, timeoutMs } = options
  app.setErrorHandler(sendPlainError)
  const names = { clientId: z.string(), id: z.string(), mac: z.string() }
  const routes = {
    '/:clientId/:id/:mac': z.object(names),
    // The name is for people, and for programs that go by its ending.
    '/:clientId/:id/:mac/:name': z.object({ ...names, name: z.string() }),
  }
  for (const [url, params] of Object.entries(routes)) {
    app.route<{ Params: Params }>({
      method: ['GET', 'HEAD'],
      url,
      exposeHeadRoute: false,
      schema: {
        tags: ['media'],
        summary: 'Get an uploaded file, by the URL that its upload returned',
        ...{ ...OPEN, operationId: url.endsWith(':name') ? 'getNamedAttachment' : 'getAttachment' },
        errors: ['Server404', 'Server503'],
        params,
        response: fileAnswer,
      },
      handler: async ({ params, method, headers }, reply) => {
        const { clientId, id, mac } = params
        if (!isId(clientId) || !isId(id)) throw new PlugboardError('NOT_FOUND', 'Not Found')
        const file = await hub.attachments.open({ clientId, id, mac })
        const etag = `"${id}"`
        void reply.headers({
          ...fileHeaders({ type: file.type, name: file.name, inline: true }),
          ...FOR_ALL,
          'cache-control': `public, max-age=${MAX_AGE_SECONDS}`,
          etag,
        })
        const isKnown = headers['if-none-match']?.split(',').some((tag) => tag.trim() === etag)
        if (isKnown || method === 'HEAD') {
          await close(file)
          return isKnown ? reply.code(304).send() : reply.header('content-length', file.size).send()
        }
        const body = Readable.from(file.body, { objectMode: false })
        const timer = setTimeout(() => body.destroy(new Error('the file transfer timed out')), timeoutMs)
        body.on('close', () => clearTimeout(timer))
        return reply.header('content-length', file.size).send(body)
      },
    })
  }
}

/** Closes a file that will not be read. */
const close = async ({ body }: OpenBlob): Promise<void> => {
  await body[Symbol.asyncIterator]().return?.()
}
