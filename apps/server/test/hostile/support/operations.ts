import fc from 'fast-check'
import { call } from '../../support/api.js'
import type { TestServer } from '../../support/server.js'
import { anyText, arbitraryOf, type JsonSchema } from './arbitrary-of.js'
import type { Known } from './target.js'

/** One operation of the server's document. */
export interface Operation {
  method: string
  /** With parameters in braces. */
  path: string
  parameters: readonly { in: string; name: string; schema: JsonSchema }[]
  body?: JsonSchema
  /** What a change is called in the audit log. */
  audit?: string
}

export interface GeneratedRequest {
  method: string
  path: string
  body?: string
}

interface Documented {
  'x-access'?: { audit?: string }
  parameters?: Operation['parameters']
  requestBody?: { content: Record<string, { schema: JsonSchema }> }
}

/** Every operation of every dialect, as the server's document has it. */
export async function documentedOperations(server: Pick<TestServer, 'url'>): Promise<Operation[]> {
  const { json } = await call(server, 'GET', '/openapi.json')
  return Object.entries(json.paths as Record<string, Record<string, Documented>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody, 'x-access': access }]) => {
      const body = requestBody?.content['application/json']?.schema
      return {
        ...{ method: method.toUpperCase(), path, parameters },
        ...(body && { body }),
        ...(access?.audit && { audit: access.audit }),
      }
    }),
  )
}

/** Requests of an operation. `ids`: what there is, by the name of the parameter or of the field that names it. */
export function requestsOf(
  { method, path, parameters, body }: Operation,
  ids: Known,
): fc.Arbitrary<GeneratedRequest> {
  const textFor = (name: string, schema: JsonSchema): fc.Arbitrary<string> => {
    const known = ids[name] ?? []
    const free = fc.oneof(arbitraryOf(schema).map(asText), anyText)
    return known.length > 0 ? fc.oneof({ arbitrary: fc.constantFrom(...known), weight: 8 }, free) : free
  }
  const named = (place: string) =>
    Object.fromEntries(
      parameters.filter((each) => each.in === place).map(({ name, schema }) => [name, textFor(name, schema)]),
    )
  return fc
    .record({
      segments: fc.record(named('path')),
      query: fc.record(named('query'), { requiredKeys: [] }),
      ...(body && { body: arbitraryOf(withIds(body, ids)) }),
    })
    .map(({ segments, query, ...rest }) => ({
      method,
      path: fill(path, segments) + queryOf(query),
      ...('body' in rest && { body: JSON.stringify(rest.body) ?? 'null' }),
    }))
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

const fill = (path: string, segments: Record<string, string>): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => encode(segments[name] ?? '') || '%20')

function queryOf(query: Record<string, string | undefined>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value ?? '')}`)
  return pairs.length > 0 ? `?${pairs.join('&')}` : ''
}

/** A half of a surrogate pair cannot be percent-encoded. */
const encode = (text: string): string => encodeURIComponent(text.toWellFormed())

/** The same schema, with what there is for each field that names something. */
function withIds(schema: JsonSchema, ids: Known): JsonSchema {
  const { properties, items, anyOf, oneOf } = schema
  const each = (branches: readonly JsonSchema[]) => branches.map((branch) => withIds(branch, ids))
  return {
    ...schema,
    ...(items && { items: withIds(items, ids) }),
    ...(anyOf && { anyOf: each(anyOf) }),
    ...(oneOf && { oneOf: each(oneOf) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, field]) => {
          const known = field.const === undefined ? ids[name] : undefined
          return [name, known ? { anyOf: [{ enum: known }, field] } : withIds(field, ids)]
        }),
      ),
    }),
  }
}
