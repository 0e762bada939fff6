import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { lazy } from '../lazy.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** It went to another app, which answers, counts and logs it. */
    isHandedOver: boolean
  }
}

/** An API that the first request below its prefix loads. A start has no time for what many servers never use. */
export interface LazyApi {
  prefix: string
  /** Returns what registers it under the prefix. */
  load(): Promise<(app: FastifyInstance, prefix: string) => void>
}

/**
 * Each API in an app of its own, since Fastify takes no routes once it listens. `create`: an app that answers as the
 * others do, without routes.
 */
export class LazyApps {
  readonly #apps: readonly { prefix: string; app: () => Promise<FastifyInstance> }[]
  readonly #built: FastifyInstance[] = []

  constructor(apis: readonly LazyApi[], create: () => FastifyInstance) {
    this.#apps = apis.map(({ prefix, load }) => ({
      prefix,
      app: lazy(async () => {
        const register = await load()
        const app = create()
        register(app, prefix)
        await app.ready()
        this.#built.push(app)
        return app
      }),
    }))
  }

  /** Passes a request on to the API that it is for, before its body is read. Returns whether there is one. */
  handOver(request: FastifyRequest, reply: FastifyReply, failed: (error: Error) => void): boolean {
    const path = routedPath(request.url)
    const found = this.#apps.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`))
    if (!found) return false
    found
      .app()
      .then((app) => {
        // Its caller has left, and nothing would tell the app.
        if (request.raw.socket.destroyed) return
        request.isHandedOver = true
        reply.hijack()
        app.routing(request.raw, reply.raw)
      })
      .catch(failed)
    return true
  }

  /** Loads all of them, one after the other, so that their routes have an order. */
  async load(): Promise<void> {
    for (const { app } of this.#apps) await app()
  }

  async close(): Promise<void> {
    await Promise.all(this.#built.map((app) => app.close()))
  }
}

/** The path as the router reads it: decoded, and without the host that a request may name (RFC 9112, 3.2.2). */
function routedPath(url: string): string {
  const [path = ''] = url.split('?', 1)
  if (path.startsWith('/') && !path.includes('%')) return path
  try {
    return decodeURIComponent(path.replace(/^https?:\/\/[^/]*/i, ''))
  } catch {
    return path
  }
}
