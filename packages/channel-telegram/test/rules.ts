import { isUrl } from '@plugboard/core'
/** What the Bot API refuses: https://core.telegram.org/bots/api, and where it is silent, what its server does. */

/** Arguments of a call; an uploaded file is `{filename, size}`. */
export type Args = Record<string, unknown>

/** Why the Bot API would refuse a call, as the description of its answer with status 400; undefined for a good one. */
export function refusalOf(method: string, args: Args): string | undefined {
  try {
    const rule = rules[method]
    if (!rule) return 'method not known to the fake'
    need(isUtf8(args), 'strings must be encoded in UTF-8')
    const unknown = Object.keys(args).find((name) => !rule.names.includes(name))
    need(unknown === undefined, `the method has no argument ${unknown}`)
    rule.check(args)
    return undefined
  } catch (error) {
    if (error instanceof Refusal) return `Bad Request: ${error.message}`
    throw error
  }
}

class Refusal extends Error {}

function need(isSo: boolean, otherwise: string): asserts isSo {
  if (!isSo) throw new Refusal(otherwise)
}

interface Rule {
  names: string[]
  check(args: Args): void
}

const chat = ['chat_id', 'message_thread_id', 'direct_messages_topic_id']
const keyboard = ['reply_markup']

function checkChat({ chat_id, message_thread_id }: Args): void {
  need(/^(-?[1-9]\d*|@\w{5,})$/.test(String(chat_id ?? '')), 'chat not found')
  need(
    message_thread_id === undefined || Number.isInteger(Number(message_thread_id)),
    'message thread not found',
  )
}

function checkMessage(args: Args): void {
  checkChat(args)
  need(
    Number.isInteger(args.message_id) && Number(args.message_id) > 0,
    'message identifier is not specified',
  )
}

/** What `editMessageMedia` takes. */
const FORMATS: Readonly<Record<string, RegExp>> = {
  photo: /^(jpe?g|png|webp|bmp)$/i,
  animation: /^(gif|mp4)$/i,
  audio: /^(mp3|m4a)$/i,
  video: /^(mp4|m4v)$/i,
  document: /./,
}

/** A file by its address is fetched by Telegram, and only of some formats. */
const media = (name: string, formats: RegExp): Rule => ({
  names: [...chat, name, 'caption', 'caption_entities', ...keyboard],
  check(args) {
    checkChat(args)
    checkFile(args[name], formats)
    const { caption = '', caption_entities: entities } = args
    need(typeof caption === 'string' && caption.length <= 1024, 'message caption is too long')
    checkEntities(caption, entities)
    checkKeyboard(args.reply_markup)
  },
})

function checkFile(file: unknown, formats: RegExp): void {
  if (typeof file === 'object' && file !== null && 'filename' in file) return
  need(typeof file === 'string' && file !== '', 'there is no file in the request')
  need(/^https?:\/\//.test(file) && isUrl(file), 'wrong file identifier/HTTP URL specified')
  const { hostname, pathname } = new URL(file)
  need(/[^.]\.[^.]/.test(hostname) && hostname !== 'gone.example', 'failed to get HTTP URL content')
  const ending = /\.([a-z0-9]+)$/i.exec(pathname)?.[1] ?? ''
  need(ending === '' || formats.test(ending), 'wrong type of the web page content')
}

const rules: Readonly<Record<string, Rule>> = {
  getMe: { names: [], check: () => undefined },
  getFile: {
    names: ['file_id'],
    check: ({ file_id }) => need(typeof file_id === 'string', 'invalid file_id'),
  },
  getUpdates: {
    names: ['offset', 'limit', 'timeout', 'allowed_updates'],
    check({ offset, limit, timeout, allowed_updates }) {
      need(offset === undefined || Number.isInteger(offset), 'offset must be an integer')
      need(Number.isInteger(limit) && Number(limit) >= 1 && Number(limit) <= 100, 'limit must be 1 to 100')
      need(
        Number.isInteger(timeout) && Number(timeout) >= 0 && Number(timeout) <= 50,
        'timeout must be 0 to 50',
      )
      need(Array.isArray(allowed_updates), 'allowed_updates must be a list')
    },
  },
  answerCallbackQuery: {
    names: ['callback_query_id'],
    check: ({ callback_query_id }) =>
      need(typeof callback_query_id === 'string', 'query is too old or its ID is invalid'),
  },
  getWebhookInfo: { names: [], check: () => undefined },
  deleteWebhook: { names: ['drop_pending_updates'], check: () => undefined },
  setWebhook: { names: ['url', 'secret_token', 'allowed_updates'], check: checkWebhook },
  sendChatAction: {
    names: [...chat, 'action'],
    check(args) {
      checkChat(args)
      need(args.action === 'typing', 'wrong parameter action in request')
    },
  },
  sendMessage: {
    names: [...chat, 'text', 'entities', ...keyboard],
    check(args) {
      checkChat(args)
      const { text } = args
      need(isSaid(text), 'message text is empty')
      need(text.length <= 4096, 'message is too long')
      checkEntities(text, args.entities)
      checkKeyboard(args.reply_markup)
    },
  },
  editMessageText: {
    names: ['chat_id', 'message_id', 'text', 'entities', ...keyboard],
    check(args) {
      checkMessage(args)
      const { text } = args
      need(isSaid(text), 'message text is empty')
      need(text.length <= 4096, 'message is too long')
      checkEntities(text, args.entities)
      checkKeyboard(args.reply_markup)
    },
  },
  editMessageMedia: {
    names: ['chat_id', 'message_id', 'media', ...keyboard],
    check(args) {
      checkMessage(args)
      const { type, media: file, caption = '', caption_entities } = Object(args.media)
      const formats = FORMATS[String(type)]
      need(formats !== undefined, 'type of the media is wrong')
      checkFile(file, formats)
      need(typeof caption === 'string' && caption.length <= 1024, 'message caption is too long')
      checkEntities(caption, caption_entities)
      checkKeyboard(args.reply_markup)
    },
  },
  deleteMessage: { names: ['chat_id', 'message_id'], check: checkMessage },
  sendPhoto: media('photo', /^(jpe?g|png|webp|bmp)$/i),
  sendAnimation: media('animation', /^(gif|mp4)$/i),
  sendAudio: media('audio', /^(mp3|m4a)$/i),
  sendVoice: media('voice', /^(ogg|oga|opus|mp3|m4a)$/i),
  sendVideo: media('video', /^(mp4|m4v)$/i),
  sendDocument: media('document', /^(pdf|zip|gif)$/i),
  sendLocation: {
    names: [...chat, 'latitude', 'longitude', ...keyboard],
    check(args) {
      checkChat(args)
      checkPlace(args)
    },
  },
  sendVenue: {
    names: [...chat, 'latitude', 'longitude', 'title', 'address', ...keyboard],
    check(args) {
      checkChat(args)
      checkPlace(args)
      need(isSaid(args.title) && args.title.length <= 255, 'title must be non-empty')
      need(isSaid(args.address) && args.address.length <= 255, 'address must be non-empty')
    },
  },
}

/** Text that is more than white space and marks without width. */
const isSaid = (text: unknown): text is string =>
  typeof text === 'string' && /[^\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\ufffc]/u.test(text)

function isUtf8(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  return typeof value !== 'object' || value === null || Object.values(value).every(isUtf8)
}

function checkPlace({ latitude, longitude }: Args): void {
  need(typeof latitude === 'number' && Math.abs(latitude) <= 90, 'latitude is wrong')
  need(typeof longitude === 'number' && Math.abs(longitude) <= 180, 'longitude is wrong')
}

const updates = ['message', 'edited_message', 'callback_query', 'my_chat_member', 'message_reaction']

function checkWebhook({ url, secret_token, allowed_updates }: Args): void {
  need(typeof url === 'string' && isUrl(url), 'bad webhook: invalid URL')
  const { protocol, port } = new URL(url)
  need(protocol === 'https:', 'bad webhook: An HTTPS URL must be provided for webhook')
  need(
    ['', '80', '88', '8443'].includes(port),
    'bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443',
  )
  need(/^[\w-]{1,256}$/.test(String(secret_token)), 'secret token contains unallowed characters')
  const isList = Array.isArray(allowed_updates) && allowed_updates.every((each) => updates.includes(each))
  need(isList, "can't parse allowed updates")
}

interface Entity {
  type: string
  offset: number
  length: number
  url?: string
}

const spread = ['bold', 'italic', 'underline', 'strikethrough', 'spoiler']
const known = [...spread, 'code', 'pre', 'text_link', 'blockquote']

/** https://core.telegram.org/bots/api#formatting-options: what may stand in what. */
function checkEntities(text: string, list: unknown): void {
  if (list === undefined) return
  need(Array.isArray(list), "can't parse entities: not a list")
  need(list.length <= 100, "can't parse entities: more than 100")
  const entities = list as Entity[]
  for (const entity of entities) checkEntity(text, entity)
  for (const [i, a] of entities.entries()) {
    for (const b of entities.slice(i + 1)) checkPair(a, b)
  }
}

function checkEntity(text: string, { type, offset, length, url }: Entity): void {
  need(known.includes(type), "can't parse entities: unknown type")
  const isIn = Number.isInteger(offset) && Number.isInteger(length) && offset >= 0 && length > 0
  need(isIn && offset + length <= text.length, "can't parse entities: entity beyond the end of the text")
  for (const at of [offset, offset + length]) {
    need(
      !/^[\ud800-\udbff][\udc00-\udfff]/.test(text.slice(at - 1, at + 1)) || at === 0,
      "can't parse entities: half a pair",
    )
  }
  need(isSaid(text.slice(offset, offset + length)), "can't parse entities: entity of white space")
  need((type === 'text_link') === (url !== undefined), "can't parse entities: a link needs an address")
  if (url !== undefined) checkLink(url)
}

function checkPair(a: Entity, b: Entity): void {
  const isOuter = a.length > b.length || (a.length === b.length && b.type !== 'blockquote')
  const [outer, inner] = isOuter ? [a, b] : [b, a]
  const end = (entity: Entity) => entity.offset + entity.length
  if (end(inner) <= outer.offset || end(outer) <= inner.offset) return
  need(inner.offset >= outer.offset && end(inner) <= end(outer), "can't parse entities: they overlap")
  need(a.type !== b.type, "can't parse entities: one in another of its type")
  const isFree = outer.type === 'blockquote' || spread.includes(inner.type) || inner.type === 'text_link'
  const isLinkInBold = spread.includes(outer.type) && !['code', 'pre'].includes(inner.type)
  need(
    !['code', 'pre'].includes(outer.type) && (isFree || isLinkInBold),
    "can't parse entities: wrong nesting",
  )
}

function checkLink(url: unknown): void {
  const isLink = typeof url === 'string' && isUrl(url) && /^(https?|tg):$/.test(new URL(url).protocol)
  need(
    isLink && /[^.]\.[^.]/.test(new URL(url).hostname),
    'inline keyboard button URL is invalid: Wrong HTTP URL',
  )
}

interface Button {
  text: unknown
  callback_data?: unknown
  url?: unknown
}

/** The length of a label is ours: Telegram takes more, and shows less. */
function checkKeyboard(markup: unknown): void {
  if (markup === undefined) return
  const rows = (markup as { inline_keyboard?: Button[][] }).inline_keyboard
  need(
    Array.isArray(rows) && rows.length > 0 && rows.every((row) => row.length > 0),
    'object expected as reply markup',
  )
  need(rows.every((row) => row.length <= 8) && rows.flat().length <= 100, 'reply markup is too long')
  for (const { text, callback_data, url } of rows.flat()) {
    need(isSaid(text) && text.length <= 64, 'text buttons are unallowed in the inline keyboard')
    need((callback_data === undefined) !== (url === undefined), 'a button does one thing')
    if (url !== undefined) checkLink(url)
    if (url !== undefined) continue
    const bytes = typeof callback_data === 'string' ? Buffer.byteLength(callback_data) : 0
    need(bytes >= 1 && bytes <= 64, 'BUTTON_DATA_INVALID')
  }
}
