import { type Answer, type FakeProvider, fakeProvider, type ProviderCall } from '@plugboard/core/testing'
import {
  type GraphRequest,
  graphAnswer,
  graphFaultAnswers,
  graphRefusal,
  jsonAnswer,
  type MessagesRules,
  messagesAnswer,
  type ShownMessage,
} from '@plugboard/graph-api/testing'

/** An Instagram that refuses what the real one refuses. Used by the tests of this package, and by those of the server. */

interface FakeAccount {
  accountId: string
  accessToken: string
}

export interface FakeInstagramOptions extends Pick<MessagesRules, 'unreachable' | 'brokenFiles'> {
  accounts: readonly FakeAccount[]
  /** Tokens that are younger than a day. */
  youngTokens?: readonly string[]
  /** A renewed token is not valid any more. */
  endsRenewed?: boolean
}

export interface FakeInstagram extends FakeProvider {
  /** What people got, in order. */
  readonly shown: readonly ShownMessage[]
  /** Accounts whose notifications are on, with the fields. */
  readonly subscribed: Map<string, string>
  /** Puts a file behind an address, as the attachment of a message has it. */
  addFile(file: { mime: string; body: string }): string
}

export interface State extends FakeInstagramOptions {
  shown: ShownMessage[]
  subscribed: Map<string, string>
  files: Map<string, { mime: string; body: string }>
  /** Ids of accounts, by valid tokens that were renewed. */
  renewed: Map<string, string>
  /** Tokens that are not valid any more. */
  ended: Set<string>
}

export const newState = (options: FakeInstagramOptions): State => ({
  ...options,
  ...{ shown: [], subscribed: new Map(), files: new Map(), renewed: new Map(), ended: new Set() },
})

/** Starts one on a port of this machine; `url` is the operator's `apiBaseUrl`. */
export async function fakeInstagram(options: FakeInstagramOptions): Promise<FakeInstagram> {
  const state = newState(options)
  const provider = await fakeProvider({
    answer: (call) => answerOf(call, state),
    faultAnswers: graphFaultAnswers,
  })
  return Object.assign(provider, {
    ...{ shown: state.shown, subscribed: state.subscribed },
    addFile(file: { mime: string; body: string }) {
      const path = `/files/${state.files.size}`
      state.files.set(path, file)
      return provider.url + path
    },
  })
}

/** https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/messaging-api */
const MAX_TEXT_BYTES = 1000
/** 60 days, in seconds. */
const LIFETIME = 5_184_000

/** The answer to one call, for a fake of one's own. */
export function answerOf(call: ProviderCall, state: State): Answer {
  const { pathname, searchParams } = new URL(call.path, 'http://instagram.invalid')
  if (pathname.startsWith('/files/')) return fileAnswer(call, state)
  if (pathname.endsWith('/refresh_access_token')) return renewal(call, searchParams, state)
  const tokens = Object.fromEntries([...validTokens(state).keys()].map((token) => [token, '']))
  return graphAnswer(call, { tokens, answer: (request) => accountAnswer(request, state) })
}

/** Ids of accounts, by valid tokens. */
function validTokens({ accounts, renewed, ended }: State): Map<string, string> {
  const own = accounts.map(({ accessToken, accountId }): [string, string] => [accessToken, accountId])
  return new Map([...own, ...renewed].filter(([token]) => !ended.has(token)))
}

function fileAnswer(call: ProviderCall, { files }: State): Answer {
  const file = files.get(call.path)
  if (!file || call.headers.authorization) return { status: 403, body: 'URL signature expired' }
  return { headers: { 'content-type': file.mime }, body: file.body }
}

/** https://developers.facebook.com/docs/instagram-platform/reference/refresh_access_token */
function renewal({ method }: ProviderCall, query: URLSearchParams, state: State): Answer {
  const token = query.get('access_token') ?? ''
  const accountId = validTokens(state).get(token)
  if (accountId === undefined) return graphFaultAnswers.unauthorized
  if (method !== 'GET' || query.get('grant_type') !== 'ig_refresh_token')
    return graphRefusal(400, 100, 'Invalid parameter')
  if (state.youngTokens?.includes(token))
    return graphRefusal(400, 100, 'The access token must be at least 24 hours old')
  const access_token = `${token.replace(/-\d+$/, '')}-${state.renewed.size + 1}`
  state.renewed.set(access_token, accountId)
  if (state.endsRenewed) state.ended.add(token)
  return jsonAnswer(200, { access_token, token_type: 'bearer', expires_in: LIFETIME })
}

function accountAnswer({ method, path, query, token, json }: GraphRequest, state: State): Answer | undefined {
  const accountId = validTokens(state).get(token) ?? ''
  switch (`${method} ${path}`) {
    case 'GET /me':
      // `id` is another id, that of the person for the app.
      return query.get('fields') === 'user_id'
        ? jsonAnswer(200, { user_id: accountId, id: `99${accountId}` })
        : undefined
    case `POST /${accountId}/subscribed_apps`: {
      const fields = query.get('subscribed_fields')
      if (!fields) return graphRefusal(400, 100, 'The parameter subscribed_fields is required')
      state.subscribed.set(accountId, fields)
      return jsonAnswer(200, { success: true })
    }
    case `DELETE /${accountId}/subscribed_apps`:
      state.subscribed.delete(accountId)
      return jsonAnswer(200, { success: true })
    case `POST /${accountId}/messages`:
      return messagesAnswer(accountId, json, state.shown, {
        ...state,
        isShort: (text) => Buffer.byteLength(text) <= MAX_TEXT_BYTES,
        files: ['image', 'audio', 'video'],
      })
    default:
      return profileAnswer(method, path, query)
  }
}

/** https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/messaging-api/user-profile */
function profileAnswer(method: string, path: string, query: URLSearchParams): Answer | undefined {
  const [, id] = /^\/(\d+)$/.exec(path) ?? []
  if (method !== 'GET' || id === undefined || query.get('fields') !== 'name,username') return undefined
  return jsonAnswer(200, { name: null, username: `ada_${id}` })
}
