import { Validator } from '@seriousme/openapi-schema-validator'
import { type FastifyInstance, fastify } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { InternalPassword } from '../dialects/internal-password.js'
import { messagingV1 } from '../dialects/messaging-v1/index.js'
import { Refusals } from '../dialects/refusals.js'
import { schemasForDocumentOnly, serveDocument } from './openapi.js'

let app: FastifyInstance

beforeEach(async () => {
  app = fastify({ schemaController: schemasForDocumentOnly })
  serveDocument(app)
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

  test('is valid OpenAPI 3.1 with all routes of the Messaging API', async () => {
    const hub = {} as Parameters<typeof messagingV1>[1]['hub']
    app.register(messagingV1, {
      prefix: '/api/v1',
      hub,
      refusals: new Refusals(0),
      internal: new InternalPassword({}),
      settings: { host: '127.0.0.1' },
    })
    const document = (await get('/openapi.json')).json()
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths)).toContain('/api/v1/messages/collect')
    expect(await new Validator().validate(document)).toMatchObject({ valid: true })
  })

  test('can be browsed', async () => {
    const page = await get('/docs')
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.headers['content-security-policy']).toContain("default-src 'self'")
    const [, script] = /src="\.?(\/docs\/static\/swagger-ui-bundle\.js)"/.exec(page.body) ?? []
    expect((await get(script ?? '/none')).headers['content-type']).toMatch(/javascript/)
    expect((await get('/docs/nothing')).body).toBe('Not Found')
  })
})
