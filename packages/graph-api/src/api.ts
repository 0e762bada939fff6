import { createHmac, randomUUID } from 'node:crypto'
import { FailureError, jsonInAnswer, networkFailure, readAnswer } from '@plugboard/core'
import { graphErrorOf, isErrorBody } from './graph-error.js'
import type { Source } from './source.js'
import { GRAPH_VERSION } from './version.js'

/** One call of the API. */
export interface GraphCall {
  /** Default: GET without a body, POST with one. */
  method?: 'GET' | 'POST' | 'DELETE'
  /** Segments behind the version, such as an id and `messages`; they are encoded. */
  path: readonly string[]
  query?: Readonly<Record<string, string>>
  /** Body of a POST as JSON … */
  json?: object
  /** … or as a form with a file. */
  form?: GraphForm
  /** Sent as a header, so that it is in no log of addresses. */
  token: string
  /**
   * Proves that the caller knows the secret of the token's app, which apps can demand.
   * https://developers.facebook.com/docs/graph-api/guides/secure-requests
   */
  appSecret?: string | undefined
  signal: AbortSignal
}

/** A form with a file, which is streamed. */
export interface GraphForm {
  fields: Readonly<Record<string, string>>
  /** Name of the field with the file. */
  name: string
  file: Pick<Source, 'body' | 'size' | 'name'> & { mime: string }
}

/**
 * Makes a call and returns the JSON of its answer, which is not checked.
 * @throws GraphError for an answer that is an error or no JSON; FailureError if there is no answer
 */
export type Graph = (call: GraphCall) => Promise<unknown>

/** Largest answer that is read, in bytes; Meta's have a few kilobytes. */
const MAX_ANSWER_BYTES = 1024 * 1024

/**
 * The API at an address. `fetch` comes from the host and rejects forbidden addresses. Redirects are not followed, and
 * nothing is repeated: the host retries.
 */
export function graphApi({
  url,
  fetch,
  provider,
  version = GRAPH_VERSION,
}: {
  /** Base address without a version, such as `https://graph.facebook.com`. */
  url: string
  fetch: typeof globalThis.fetch
  /** Name of the provider in messages: `WhatsApp`. */
  provider: string
  /** Default: {@link GRAPH_VERSION}. */
  version?: string
}): Graph {
  return async (call) => {
    const address = addressOf(call, `${url}/${version}`)
    const { response, received } = await answerTo(address, call, fetch).catch((error: unknown) => {
      throw new FailureError(networkFailure(error, provider))
    })
    const body = jsonInAnswer(received)
    if (!response.ok || body === undefined || isErrorBody(body)) throw graphErrorOf(response, body)
    return body
  }
}

async function answerTo(address: string, call: GraphCall, fetch: typeof globalThis.fetch) {
  const { method, json, form, token, signal } = call
  const authorization = `Bearer ${token}`
  const content = json ? jsonContent(json) : form ? formContent(form) : undefined
  const response = await fetch(address, {
    method: method ?? (content ? 'POST' : 'GET'),
    headers: { authorization, ...content?.headers },
    ...(content && { body: content.body, duplex: 'half' }),
    redirect: 'manual',
    signal,
  })
  return { response, received: await readAnswer(response, MAX_ANSWER_BYTES) }
}

function addressOf({ path, query, token, appSecret }: GraphCall, base: string): string {
  const isSafe = path.every((segment) => !/^\.{0,2}$/.test(segment))
  if (!isSafe) throw new FailureError({ kind: 'invalid', message: 'a part of the path of a call is no id' })
  const search = new URLSearchParams(query)
  if (appSecret !== undefined)
    search.set('appsecret_proof', createHmac('sha256', appSecret).update(token).digest('hex'))
  const suffix = search.size === 0 ? '' : `?${search}`
  return `${base}/${path.map(encodeURIComponent).join('/')}${suffix}`
}

const jsonContent = (json: object) => ({
  body: JSON.stringify(json),
  headers: { 'content-type': 'application/json' },
})

function formContent({ fields, name, file }: GraphForm) {
  const boundary = `plugboard-${randomUUID()}`
  const head = Object.entries(fields).map(
    ([field, value]) =>
      `--${boundary}\r\ncontent-disposition: form-data; name="${escaped(field)}"\r\n\r\n${value}\r\n`,
  )
  const disposition = `form-data; name="${escaped(name)}"; filename="${escaped(file.name)}"`
  head.push(
    `--${boundary}\r\ncontent-disposition: ${disposition}\r\ncontent-type: ${oneLine(file.mime)}\r\n\r\n`,
  )
  const [before, after] = [Buffer.from(head.join('')), Buffer.from(`\r\n--${boundary}--\r\n`)]
  const length = file.size === undefined ? undefined : before.length + file.size + after.length
  return {
    body: joined(before, file.body, after),
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      ...(length !== undefined && { 'content-length': String(length) }),
    },
  }
}

const oneLine = (text: string): string => text.replace(/[\r\n]/g, ' ')
/** As browsers do: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data */
const escaped = (text: string): string =>
  text
    .replace(/\r?\n|\r/g, '%0D%0A')
    .replaceAll('"', '%22')
    .toWellFormed()

function joined(before: Uint8Array, body: ReadableStream<Uint8Array>, after: Uint8Array) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(before),
    flush: (controller) => controller.enqueue(after),
  })
  // An error or an end of one side closes the other; whoever reads gets the error.
  body.pipeTo(writable).catch(() => undefined)
  return readable
}
