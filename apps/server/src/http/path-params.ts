import type { FastifyRequest } from 'fastify'

/** The named parts of a request's path. Fastify decodes them, but does not know their types. */
export function pathParams({ params }: Pick<FastifyRequest, 'params'>): Readonly<Record<string, string>> {
  if (!areTexts(params)) throw new TypeError('the parts of a path must be texts')
  return params
}

function areTexts(value: unknown): value is Readonly<Record<string, string>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((part) => typeof part === 'string')
  )
}
