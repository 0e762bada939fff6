import { Readable, Transform } from 'node:stream'
import { PlugboardError } from '@plugboard/core'
import type { Hub, LinkedMedia } from '@plugboard/hub'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { fileAnswer, OPEN } from '../api-document/description.js'
import { sendToOwner } from '../errors/plain-errors.js'
import { fileHeaders } from './file-headers.js'

export interface MediaOptions {
  hub: Pick<Hub, 'media'>
  /** Largest file that is passed on, in bytes. */
  maxBytes: number
  /** Longest time for passing one on. */
  timeoutMs: number
}

/**
 * Shows files that people sent: each under a sealed address that a message holds, streamed from the provider with the
 * credentials of the integration, which stay here. Always as a download, because the content is untrusted.
 */
export async function media(app: FastifyInstance, { hub, maxBytes, timeoutMs }: MediaOptions): Promise<void> {
  app.setErrorHandler(sendToOwner)
  app.route<{ Params: { token: string } }>({
    method: ['GET', 'HEAD'],
    url: '/:token',
    exposeHeadRoute: false,
    schema: {
      tags: ['media'],
      summary: 'Get a file that a person sent, by the URL in its message, until that URL expires',
      ...{ ...OPEN, operationId: 'getMedia', errors: ['Server404', 'Server413', 'Server503'] },
      params: z.object({ token: z.string() }),
      response: fileAnswer,
    },
    handler: async ({ params, method }, reply) => {
      const controller = new AbortController()
      const timer = setTimeout(() => controller.abort(), timeoutMs)
      reply.raw.on('close', () => {
        clearTimeout(timer)
        controller.abort()
      })
      const file = await hub.media.open(params.token, controller.signal)
      if ((file.size ?? 0) > maxBytes) {
        await close(file)
        throw new PlugboardError('TOO_LARGE', 'the file is larger than "MEDIA_MAX_SIZE"')
      }
      describe(reply, file)
      if (method === 'HEAD') {
        await close(file)
        return reply.send()
      }
      const body = Readable.fromWeb(file.body as Parameters<typeof Readable.fromWeb>[0])
      const limited = body.on('error', (error) => limited.destroy(error)).pipe(atMost(maxBytes))
      const stop = (): void => void limited.destroy(new Error('the file transfer timed out'))
      controller.signal.addEventListener('abort', stop)
      limited.on('close', () => body.destroy())
      return reply.send(limited)
    },
  })
}

/** Discards the provider's response, which will not be read. */
const close = ({ body }: LinkedMedia): Promise<void> => body.cancel().catch(() => undefined)

function describe(reply: FastifyReply, { mime, name }: LinkedMedia): void {
  void reply.headers({ ...fileHeaders({ type: mime, name }), 'cache-control': 'private, no-store' })
}

/** Breaks off what is longer, so that the receiver can tell. */
function atMost(maxBytes: number): Transform {
  let left = maxBytes
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      left -= chunk.byteLength
      if (left < 0) done(new Error('the file is too large'))
      else done(null, chunk)
    },
  })
}
