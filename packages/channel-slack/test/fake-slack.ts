import { createHmac } from 'node:crypto'
import {
  type Answer,
  type FakeProvider,
  type Fault,
  fakeProvider,
  type ProviderCall,
} from '@plugboard/core/testing'
import { type Block, faultsOf, visibleText } from './block-kit.js'
import { FakeSockets } from './fake-sockets.js'

/** A message that the fake took. */
export interface Posted {
  token: string
  channel: string
  ts: string
  thread_ts?: string
  text: string
  blocks: Block[]
  /** What a person reads, formatting aside. */
  visible: string
}

interface StoredFile {
  token: string
  answer: Answer
  id?: string
}

export interface FakeSlack extends Omit<FakeProvider, 'failWith'> {
  /** Connections of Socket Mode. Any token that begins with `xapp-` is that of an app. */
  readonly sockets: FakeSockets
  /** What goes into the operator's option `slackApiUrl`. */
  readonly apiUrl: string
  readonly posted: readonly Posted[]
  failWith(fault?: Exclude<Fault, 'refused'>): void
  /**
   * Answers every method with `{ok: false, error}`, or only messages with these arguments; without a code, calls go well
   * again. `fields` are more fields of the answer.
   */
  refuse(error?: string, when?: (args: URLSearchParams) => boolean, fields?: object): void
  /** Answers `apps.connections.open` so. */
  answerOpen(answer: Answer): void
  /** From now on Slack cannot download the pictures at these addresses. */
  breakPictures(...urls: string[]): void
  /** Keeps a file that only this token may read, and gives its `url_private`. With an `id`, `files.info` knows it. */
  keep(path: string, file: StoredFile): string
}

/** Longest `text`; Slack cuts what is longer, which counts as lost here. */
const MAX_TEXT = 40_000

/** Faults in Slack's form: it answers 200 to what it refuses. */
export const faultAnswers: Partial<Record<Fault, Answer>> = {
  unauthorized: json({ ok: false, error: 'invalid_auth' }),
  'server-error': {
    status: 503,
    headers: { 'content-type': 'text/html' },
    body: '<h1>Service Unavailable</h1>',
  },
}

export function json(value: object): Answer {
  return { headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) }
}

/**
 * Slack on a port of this machine: takes what Slack takes and refuses what Slack refuses, as far as its documentation
 * tells. Without `tokens`, any token will do.
 */
export async function fakeSlack(
  options: { tokens?: readonly string[]; retryMs?: number } = {},
): Promise<FakeSlack> {
  const sockets = await FakeSockets.start(options.retryMs)
  const posted: Posted[] = []
  const files = new Map<string, StoredFile>()
  const broken = new Set<string>()
  let opening: Answer | undefined
  let refusal: { error: string; when: (args: URLSearchParams) => boolean; fields: object } | undefined
  const provider = await fakeProvider({
    faultAnswers,
    answer: (call) => {
      const file = files.get(call.path)
      if (file) return call.headers.authorization === `Bearer ${file.token}` ? file.answer : signIn(call.path)
      const args = new URLSearchParams(call.body)
      if (opening && call.path === '/api/apps.connections.open') return opening
      if (refusal?.when(args)) return json({ ok: false, error: refusal.error, ...refusal.fields })
      const fault = brokenPicture(args, broken)
      if (fault) return json(invalidBlocks([fault]))
      if (call.path === '/api/files.info') return json(fileInfo(call, files, provider.url))
      return json(answer(call, posted, options.tokens, sockets))
    },
  })
  return {
    ...provider,
    sockets,
    async close() {
      await provider.close()
      await sockets.close()
    },
    apiUrl: `${provider.url}/api/`,
    posted,
    refuse(error, when = () => true, fields = {}) {
      refusal = error === undefined ? undefined : { error, when, fields }
    },
    answerOpen(answer) {
      opening = answer
    },
    breakPictures(...urls) {
      for (const url of urls) broken.add(url)
    },
    keep(path, file) {
      files.set(path, file)
      return provider.url + path
    },
  }
}

/** What Slack tells of a file that this token may read. */
function fileInfo(
  { headers, body }: ProviderCall,
  files: ReadonlyMap<string, StoredFile>,
  url: string,
): object {
  const id = new URLSearchParams(body).get('file')
  for (const [path, file] of files) {
    if (file.id !== id || headers.authorization !== `Bearer ${file.token}`) continue
    return {
      ok: true,
      file: { id, mimetype: file.answer.headers?.['content-type'], url_private: url + path },
    }
  }
  return { ok: false, error: 'file_not_found' }
}

/** Slack answers this with 200. */
const signIn = (path: string): Answer => ({
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: `<html><title>Sign in | Slack</title><form action="/?redir=${encodeURIComponent(path)}"></form></html>`,
})

/** A token like `xoxb-T1-…` is of the workspace T1, and `xoxb-E1-…` of all workspaces of the organization E1. */
function teamOfToken(token: string): object {
  const [, team = 'T061EG9R6'] = /^xoxb-([TE][A-Z0-9]*)-/.exec(token) ?? []
  const isOrganization = team.startsWith('E')
  return {
    team_id: isOrganization ? null : team,
    ...(isOrganization && { enterprise_id: team }),
    is_enterprise_install: isOrganization,
  }
}

/** The answer to a call that goes well, and the refusal of what Slack refuses. Notes messages in `posted`. */
export function answer(
  call: ProviderCall,
  posted: Posted[] = [],
  tokens?: readonly string[],
  sockets?: FakeSockets,
): object {
  const token = /^Bearer (.+)$/.exec(call.headers.authorization ?? '')?.[1]
  if (!token) return { ok: false, error: 'not_authed' }
  if (call.path === '/api/apps.connections.open') return openConnection(token, sockets)
  if (tokens && !tokens.includes(token)) return { ok: false, error: 'invalid_auth' }
  const form = new URLSearchParams(call.body)
  switch (call.path) {
    case '/api/auth.test':
      return {
        ok: true,
        url: 'https://acme.slack.com/',
        team: 'Acme',
        user: 'bot',
        user_id: 'U0BOT',
        bot_id: 'B0BOT',
        ...teamOfToken(token),
      }
    case '/api/chat.postMessage':
      return post(token, form, posted)
    case '/api/chat.update':
      return update(form, posted)
    case '/api/chat.delete':
      return take(form, posted)
    default:
      return { ok: false, error: 'unknown_method' }
  }
}

/** Only an app-level token opens a connection. */
function openConnection(token: string, sockets: FakeSockets | undefined): object {
  if (!token.startsWith('xapp-')) return { ok: false, error: 'not_allowed_token_type' }
  return { ok: true, url: sockets?.address(token) ?? 'wss://wss.slack.com/link/?ticket=none' }
}

/** Without blocks, Slack keeps those that the message has. */
function update(form: URLSearchParams, posted: Posted[]): object {
  const found = posted.find(({ channel, ts }) => channel === form.get('channel') && ts === form.get('ts'))
  if (!found) return { ok: false, error: 'message_not_found' }
  const draft: Posted[] = []
  const made = post(found.token, form, draft)
  const [changed] = draft
  if (!changed) return made
  const { text, blocks, visible } = changed
  Object.assign(found, form.has('blocks') ? { text, blocks, visible } : { text })
  return { ok: true, channel: found.channel, ts: found.ts, text }
}

function take(form: URLSearchParams, posted: Posted[]): object {
  const index = posted.findIndex(
    ({ channel, ts }) => channel === form.get('channel') && ts === form.get('ts'),
  )
  if (index === -1) return { ok: false, error: 'message_not_found' }
  posted.splice(index, 1)
  return { ok: true, channel: form.get('channel'), ts: form.get('ts') }
}

function post(token: string, form: URLSearchParams, posted: Posted[]): object {
  const channel = form.get('channel')
  const text = form.get('text') ?? ''
  const thread_ts = form.get('thread_ts')
  if (!channel || !/^[CDGUW][A-Z0-9]{1,20}$/.test(channel)) return { ok: false, error: 'channel_not_found' }
  if (thread_ts !== null && !/^\d+\.\d+$/.test(thread_ts)) return { ok: false, error: 'invalid_thread_ts' }
  const blocks = readBlocks(form.get('blocks'))
  if (!blocks) return { ok: false, error: 'invalid_blocks_format' }
  // A message with blocks and no text is taken by Slack, and says nothing in a notification.
  if (text.trim() === '') return { ok: false, error: 'no_text' }
  if (text.length > MAX_TEXT) return { ok: false, error: 'msg_too_long' }
  const faults = faultsOf(blocks)
  if (faults.includes('msg_blocks_too_long')) return { ok: false, error: 'msg_blocks_too_long' }
  if (faults.length > 0) return invalidBlocks(faults)
  const last = Number(posted.at(-1)?.ts.split('.')[1] ?? 0)
  const ts = `1700000000.${String(last + 1).padStart(6, '0')}`
  // A message to a person goes to the direct messages with that person.
  const where = /^[UW]/.test(channel) ? `D${channel.slice(1)}` : channel
  posted.push({
    token,
    channel: where,
    ts,
    ...(thread_ts && { thread_ts }),
    text,
    blocks,
    visible: visibleText(text, form.get('mrkdwn') !== 'false', blocks),
  })
  return { ok: true, channel: where, ts, message: { type: 'message', bot_id: 'B0BOT', text, ts } }
}

export const invalidBlocks = (faults: readonly string[]): object => ({
  ok: false,
  error: 'invalid_blocks',
  errors: faults,
  response_metadata: { messages: faults.map((fault) => `[ERROR] ${fault}`) },
})

/** Slack names the first picture that it cannot download. */
function brokenPicture(args: URLSearchParams, broken: ReadonlySet<string>): string | undefined {
  for (const [i, block] of (readBlocks(args.get('blocks')) ?? []).entries()) {
    const places = [
      [block, ''],
      [block.accessory, '/accessory'],
    ] as const
    for (const [value, path] of places) {
      const url = (value as { image_url?: string } | undefined)?.image_url
      if (url && broken.has(url))
        return `downloading image failed [json-pointer:/blocks/${i}${path}/image_url]`
    }
  }
  return undefined
}

function readBlocks(text: string | null): Block[] | undefined {
  try {
    const blocks = JSON.parse(text ?? '[]')
    return Array.isArray(blocks) ? blocks : undefined
  } catch {
    return undefined
  }
}

/** The headers with which Slack signs a body, by the words of its documentation. */
export function signatureOf(
  body: Uint8Array | string,
  signingSecret: string,
  at = new Date(),
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const signed = Buffer.concat([Buffer.from(`v0:${timestamp}:`), Buffer.from(body)])
  const signature = createHmac('sha256', signingSecret).update(signed).digest('hex')
  return { 'x-slack-request-timestamp': timestamp, 'x-slack-signature': `v0=${signature}` }
}
