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

/** A Messenger that refuses what the real one refuses. Used by the tests of this package, and by those of the server. */

interface FakePage {
  appId: string
  appSecret: string
  pageId: string
  accessToken: string
}

export interface FakeMessengerOptions
  extends Pick<MessagesRules, 'templates' | 'unreachable' | 'brokenFiles'> {
  pages: readonly FakePage[]
  /** Types of files, by MIME type, whose uploads are refused. */
  refusedUploads?: readonly string[]
}

/** A file that was uploaded. */
interface Upload {
  type: string
  mime: string | undefined
  name: string | undefined
  body: string
}

/** The webhook of an app. */
interface AppWebhook {
  callback_url: string
  verify_token: string
  fields: string
}

export interface FakeMessenger extends FakeProvider {
  /** What people got, in order. */
  readonly shown: readonly ShownMessage[]
  /** By the id of the app. */
  readonly webhooks: Map<string, AppWebhook>
  /** The subscribed fields of pages. */
  readonly subscribed: Map<string, string>
  /** By id. */
  readonly uploads: Map<string, Upload>
  /** Puts a file behind an address, as the attachment of a message has it. */
  addFile(file: { mime: string; body: string }): string
}

export interface State extends FakeMessengerOptions {
  shown: ShownMessage[]
  webhooks: Map<string, AppWebhook>
  subscribed: Map<string, string>
  files: Map<string, { mime: string; body: string }>
  uploads: Map<string, Upload>
}

export const newState = (options: FakeMessengerOptions): State => ({
  ...options,
  ...{ shown: [], webhooks: new Map(), subscribed: new Map(), files: new Map(), uploads: new Map() },
})

/** Starts one on a port of this machine; `url` is the operator's `apiBaseUrl`. */
export async function fakeMessenger(options: FakeMessengerOptions): Promise<FakeMessenger> {
  const state = newState(options)
  const provider = await fakeProvider({
    answer: (call) => answerOf(call, state),
    faultAnswers: graphFaultAnswers,
  })
  return Object.assign(provider, {
    ...{ shown: state.shown, webhooks: state.webhooks, subscribed: state.subscribed },
    uploads: state.uploads,
    addFile(file: { mime: string; body: string }) {
      const path = `/files/${state.files.size}`
      state.files.set(path, file)
      return provider.url + path
    },
  })
}

/** https://developers.facebook.com/docs/messenger-platform/reference/send-api */
const MAX_TEXT = 2000

/** The answer to one call, for a fake of one's own. */
export function answerOf(call: ProviderCall, state: State): Answer {
  if (call.path.startsWith('/files/')) return fileAnswer(call, state)
  const tokens = Object.fromEntries(
    state.pages.flatMap(({ accessToken, appId, appSecret }) => [
      [accessToken, appSecret],
      [`${appId}|${appSecret}`, ''],
    ]),
  )
  return graphAnswer(call, { tokens, answer: (request) => productAnswer(request, state) })
}

function fileAnswer(call: ProviderCall, { files }: State): Answer {
  const file = files.get(call.path)
  if (!file || call.headers.authorization) return { status: 403, body: 'URL signature expired' }
  return { headers: { 'content-type': file.mime }, body: file.body }
}

function productAnswer(request: GraphRequest, state: State): Answer | undefined {
  const page = state.pages.find(({ accessToken }) => accessToken === request.token)
  return page ? pageAnswer(request, page, state) : appAnswer(request, state)
}

function pageAnswer(
  { method, path, query, json, form }: GraphRequest,
  page: FakePage,
  state: State,
): Answer | undefined {
  const { pageId } = page
  switch (`${method} ${path}`) {
    case 'GET /me':
      return query.get('fields') === 'id' ? jsonAnswer(200, { id: pageId }) : undefined
    case `POST /${pageId}/subscribed_apps`: {
      const fields = String(Object(json).subscribed_fields ?? '')
      if (!fields) return graphRefusal(400, 100, 'The parameter subscribed_fields is required')
      state.subscribed.set(pageId, fields)
      return jsonAnswer(200, { success: true })
    }
    case `DELETE /${pageId}/subscribed_apps`:
      state.subscribed.delete(pageId)
      return jsonAnswer(200, { success: true })
    case `POST /${pageId}/message_attachments`:
      return uploadAnswer(form, state)
    case `POST /${pageId}/messages`:
      return messagesAnswer(pageId, json, state.shown, {
        ...state,
        isShort: (text) => text.length <= MAX_TEXT,
        files: ['image', 'audio', 'video', 'file'],
        messagingTypes: ['RESPONSE', 'UPDATE', 'UTILITY'],
      })
    default:
      return profileAnswer(method, path, query)
  }
}

/** https://developers.facebook.com/docs/messenger-platform/reference/attachment-upload-api */
function uploadAnswer(form: GraphRequest['form'], { uploads, refusedUploads = [] }: State): Answer {
  const field = (name: string) => form?.find((part) => part.name === name)
  const [message, file] = [field('message'), field('filedata')]
  const [, type] =
    /^{"attachment":{"type":"(image|audio|video|file)","payload":{"is_reusable":true}}}$/.exec(
      message?.body ?? '',
    ) ?? []
  if (type === undefined || file?.fileName === undefined)
    return graphRefusal(400, 100, 'Param message or filedata is invalid')
  if (refusedUploads.includes(file.mime ?? ''))
    return graphRefusal(400, 100, 'Upload attachment failure', { error_subcode: 2_018_047 })
  const id = `18578549${String(uploads.size + 1).padStart(8, '0')}`
  uploads.set(id, { type, mime: file.mime, name: file.fileName, body: file.body })
  return jsonAnswer(200, { attachment_id: id })
}

/** https://developers.facebook.com/documentation/business-messaging/messenger-platform/identity/user-profile */
function profileAnswer(method: string, path: string, query: URLSearchParams): Answer | undefined {
  const [, id] = /^\/(\d+)$/.exec(path) ?? []
  if (method !== 'GET' || id === undefined || query.get('fields') !== 'first_name,last_name') return undefined
  return jsonAnswer(200, { first_name: 'Ada', last_name: `No. ${id}`, id })
}

function appAnswer({ method, path, query, token, json }: GraphRequest, state: State): Answer | undefined {
  const [appId = ''] = token.split('|')
  const { webhooks } = state
  switch (`${method} ${path}`) {
    case `GET /${appId}`:
      return jsonAnswer(200, { id: appId })
    case `GET /${appId}/subscriptions`: {
      const webhook = webhooks.get(appId)
      const data = webhook
        ? [{ object: 'page', callback_url: webhook.callback_url, active: true, fields: [] }]
        : []
      return jsonAnswer(200, { data })
    }
    case `POST /${appId}/subscriptions`: {
      const { object, callback_url = '', verify_token = '', fields = '' } = json as Record<string, string>
      if (object !== 'page' || !callback_url.startsWith('https://') || !verify_token || !fields)
        return graphRefusal(400, 100, 'Invalid parameter')
      webhooks.set(appId, { callback_url, verify_token, fields })
      return jsonAnswer(200, { success: true })
    }
    case `DELETE /${appId}/subscriptions`:
      if (query.get('object') === 'page') webhooks.delete(appId)
      return jsonAnswer(200, { success: true })
    default:
      return undefined
  }
}
