import { PlugboardError } from '@plugboard/core'
import type { FastifyInstance } from 'fastify'

/** How deep the objects and arrays of a body may nest. */
const MAX_JSON_DEPTH = 100

/** Teaches a scope to read JSON up to a depth, and nothing else. An empty body is an empty object. */
export function readJson(app: FastifyInstance, limit: { bodyLimit?: number } = {}): void {
  const parseJson = app.getDefaultJsonParser('error', 'ignore')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string', ...limit },
    (request, body: string, done) => {
      if (isTooDeep(body)) {
        return done(new PlugboardError('INVALID', `the body may nest ${MAX_JSON_DEPTH} levels at most`))
      }
      if (body.trim() === '') return done(null, {})
      parseJson(request, body, done)
    },
  )
}

/**
 * Teaches a scope to read bodies: JSON, forms, and an empty object for anything else, which is what the Messaging API
 * takes other content types for. `bodyLimit`: default: the server's.
 */
export function readBodies(app: FastifyInstance, bodyLimit?: number): void {
  const limit = bodyLimit === undefined ? {} : { bodyLimit }
  readJson(app, limit)
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', ...limit },
    (_, body: string, done) => {
      done(null, Object.fromEntries(new URLSearchParams(body)))
    },
  )
  app.addContentTypeParser('*', { parseAs: 'buffer', ...limit }, (_request, _body, done) => done(null, {}))
}

/** Counts brackets outside strings: cheaper than a walk through the parsed value, and done before anything is built. */
function isTooDeep(json: string): boolean {
  let depth = 0
  let isInString = false
  for (let i = 0; i < json.length; i += 1) {
    const unit = json.charCodeAt(i)
    if (isInString) {
      if (unit === 92) i += 1
      else if (unit === 34) isInString = false
    } else if (unit === 34) isInString = true
    else if (unit === 123 || unit === 91) {
      depth += 1
      if (depth > MAX_JSON_DEPTH) return true
    } else if (unit === 125 || unit === 93) depth -= 1
  }
  return false
}
