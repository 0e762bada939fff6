import { type FastifyInstance, fastify } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { describeApis } from '../../dialects/description.js'
import { schemasForDocumentOnly, serveDocument } from './openapi.js'

let app: FastifyInstance

beforeEach(async () => {
  app = fastify({ schemaController: schemasForDocumentOnly })
  serveDocument(app, { urls: { base: 'http://127.0.0.1:3100' }, apis: describeApis({}) })
})
afterEach(() => app.close())

const get = (url: string) => app.inject({ method: 'GET', url })

describe('the document of the API', () => {
  test('says of each route what it takes and gives', async () => {
    app.route({
      method: 'POST',
      url: '/things/:id',
      schema: {
        tags: ['things'],
        summary: 'Make a thing',
        params: z.object({ id: z.guid() }),
        querystring: z.object({ limit: z.string().optional() }),
        body: z.strictObject({ name: z.string().transform(Number), at: z.date().optional() }),
        response: { 201: z.object({ id: z.guid() }), 204: z.void() },
      },
      handler: async () => ({}),
    })
    app.get('/hidden', async () => 'x')
    const { paths } = (await get('/openapi.json')).json()
    expect(Object.keys(paths)).toEqual(['/things/{id}'])
    expect(paths['/things/{id}'].post).toEqual({
      tags: ['things'],
      summary: 'Make a thing',
      parameters: [
        { in: 'query', name: 'limit', required: false, schema: { type: 'string' } },
        { in: 'path', name: 'id', required: true, schema: { type: 'string', format: 'uuid' } },
      ],
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: { name: { type: 'string' }, at: { type: 'string', format: 'date-time' } },
              required: ['name'],
              additionalProperties: false,
            },
          },
        },
      },
      responses: {
        201: {
          description: 'Created',
          content: {
            'application/json': {
              schema: {
                type: 'object',
                description: 'Created',
                properties: { id: { type: 'string', format: 'uuid' } },
                required: ['id'],
                additionalProperties: false,
              },
            },
          },
        },
        204: { description: 'No Content' },
      },
    })
  })

  test('is there for a HEAD as for a GET', async () => {
    for (const url of ['/docs', '/openapi.json', '/openapi/messaging.json']) {
      const [head, full] = [await app.inject({ method: 'HEAD', url }), await get(url)]
      expect([head.statusCode, head.body]).toEqual([200, ''])
      expect(head.headers['content-type']).toBe(full.headers['content-type'])
    }
  })

  test('can be browsed, one API at a time, also over plain HTTP', async () => {
    const page = await get('/docs')
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.headers['content-security-policy']).toContain("script-src 'self';")
    expect(page.headers['content-security-policy']).not.toContain('upgrade-insecure-requests')
    for (const [, path = ''] of page.body.matchAll(/ (?:src|href)="(docs\/[^"?]+|openapi[^"]+)"/g))
      expect((await get(`/${path}`)).statusCode).toBe(200)
    expect((await get('/docs/static/swagger-ui-bundle.js')).headers['content-type']).toMatch(/javascript/)
    expect((await get('/docs/nothing')).statusCode).toBe(404)
    expect((await get('/docs/static/nothing')).body).toBe('Not Found')
  })

  test.each(['/docs?api=sunshine', '/docs/?api=sunshine'])('shows the API that %s names', async (url) => {
    const { body } = await get(url)
    const root = url.startsWith('/docs/') ? '../' : ''
    expect(body).toContain(`rel="service-desc" type="application/json" href="${root}openapi/sunshine.json"`)
    expect(body).toContain('api=sunshine" aria-current="page"')
  })

  test.each(['none', '"><script>', '__proto__'])(
    'shows the first API for one that there is not: %s',
    async (api) => {
      const { body } = await get(`/docs?api=${encodeURIComponent(api)}`)
      expect(body).toContain('href="openapi/messaging.json"')
      expect(body).not.toContain(api)
    },
  )
})
