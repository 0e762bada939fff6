import { formFault, jsonFault } from '@plugboard/core'
import { yieldIfBusy } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { BadRequest } from '../http/errors/bad-request.js'

/** Larger bodies, in bytes, are parsed in turn, so that many concurrent ones do not delay small ones. */
const LARGE = 16_384

/** Adds a parser for JSON bodies within limits to a scope. An empty body is an empty object. */
export function readJson(app: FastifyInstance, limit: { bodyLimit?: number } = {}): void {
  const parseJson = app.getDefaultJsonParser('error', 'ignore')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', ...limit },
    (request, body: Buffer, done) => {
      const parse = (): void => {
        const fault = jsonFault(body)
        if (fault !== undefined) return done(tooMuch(fault))
        const text = body.toString()
        if (text.trim() === '') return done(null, {})
        parseJson(request, text, done)
      }
      const turn = body.length > LARGE ? yieldIfBusy() : undefined
      if (turn) turn.then(parse).catch(done)
      else parse()
    },
  )
}

/**
 * Adds body parsers to a scope: JSON, forms, and an empty object for any other type, as in the Messaging API.
 * `bodyLimit`: default: the server's.
 */
export function readBodies(app: FastifyInstance, bodyLimit?: number): void {
  const limit = bodyLimit === undefined ? {} : { bodyLimit }
  readJson(app, limit)
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', ...limit },
    (_, body: Buffer, done) => {
      const fault = formFault(body)
      if (fault !== undefined) return done(tooMuch(fault))
      done(null, Object.fromEntries(new URLSearchParams(body.toString())))
    },
  )
  app.addContentTypeParser('*', { parseAs: 'buffer', ...limit }, (_request, _body, done) => done(null, {}))
}

const tooMuch = (fault: string): BadRequest => new BadRequest(`the body ${fault}`)
