import { isUrl } from '@plugboard/core'
/**
 * What Slack's reference of blocks allows, and what a person reads in them.
 * https://docs.slack.dev/reference/block-kit/blocks
 */
export type Block = { type?: unknown; [field: string]: unknown }

type Check = (value: unknown, path: string) => string[]

const MAX_BLOCKS = 50
/** "12,000 text characters, with a buffer for block containers": https://github.com/slackapi/bolt-js/issues/2509 */
const MAX_CHARACTERS = 12_000

const fail = (path: string, why: string): string[] => [`${why} [json-pointer:${path}]`]

/** Why Slack would refuse these blocks; nothing when it would not. */
export function faultsOf(blocks: readonly Block[]): string[] {
  const faults = blocks.flatMap((block, i) => checkBlock(block, `/blocks/${i}`))
  if (blocks.length > MAX_BLOCKS) faults.push(...fail('/blocks', 'no more than 50 items allowed'))
  if (charactersIn(blocks) > MAX_CHARACTERS) faults.push('msg_blocks_too_long')
  return faults
}

const charactersIn = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0
  return Object.entries(value).reduce((sum, [name, each]) => {
    const isText =
      typeof each === 'string' && ['text', 'url', 'value', 'alt_text', 'image_url'].includes(name)
    return sum + (isText ? each.length : charactersIn(each))
  }, 0)
}

const text =
  (max: number, min = 1): Check =>
  (value, path) => {
    if (typeof value !== 'string') return fail(path, 'must be a string')
    if (value.length < min || (min > 0 && value.trim() === ''))
      return fail(path, 'must be more than 0 characters')
    return value.length > max ? fail(path, `must be less than ${max + 1} characters`) : []
  }

const url: Check = (value, path) =>
  typeof value === 'string' && value.length <= 3000 && /^https?:\/\/[^\s]+$/.test(value) && isUrl(value)
    ? []
    : fail(path, 'invalid url')

const linkUrl: Check = (value, path) =>
  typeof value === 'string' && /^(https?:\/\/|mailto:|tel:)[^\s]/.test(value) ? [] : fail(path, 'invalid url')

const oneOf =
  (...allowed: unknown[]): Check =>
  (value, path) =>
    allowed.includes(value) ? [] : fail(path, `must be one of ${allowed.join(', ')}`)

const list =
  (min: number, max: number, check: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return fail(path, 'must be an array')
    if (value.length < min || value.length > max) return fail(path, `must have ${min} to ${max} items`)
    return value.flatMap((each, i) => check(each, `${path}/${i}`))
  }

/** An object with these fields and no others; those that end in `?` may be absent. */
const fields =
  (checks: Record<string, Check>): Check =>
  (value, path) => {
    if (typeof value !== 'object' || value === null) return fail(path, 'must be an object')
    const own = value as Record<string, unknown>
    const known = Object.entries(checks).flatMap(([key, check]) => {
      const name = key.replace('?', '')
      if (own[name] === undefined)
        return key.endsWith('?') ? [] : fail(path, `missing required field: ${name}`)
      return check(own[name], `${path}/${name}`)
    })
    const names = Object.keys(checks).map((key) => key.replace('?', ''))
    const others = Object.keys(own).filter((name) => !names.includes(name))
    return [...known, ...others.flatMap((name) => fail(path, `invalid additional property: ${name}`))]
  }

const any: Check = () => []
const whole: Check = (value, path) =>
  Number.isInteger(value) && Number(value) >= 0 ? [] : fail(path, 'must be an integer')

const plainText = (max: number) => fields({ type: oneOf('plain_text'), text: text(max), 'emoji?': any })
const textObject =
  (max: number): Check =>
  (value, path) => {
    const { type } = (value ?? {}) as Block
    if (type !== 'mrkdwn') return plainText(max)(value, path)
    const faults = fields({ type: any, text: text(max), 'verbatim?': any })(value, path)
    return [...faults, ...controlFaults((value as { text: string }).text, path)]
  }

/** In mrkdwn a `<` that opens no link and a `&` that is no entity come out wrong. */
const controlFaults = (mrkdwn: string, path: string): string[] => {
  const rest = String(mrkdwn)
    .replace(/<((https?:\/\/|mailto:|tel:)[^<>|\s]+(\|[^<>\n]+)?|@[UW]\w+|#[CG]\w+|!subteam\^S\w+)>/g, '')
    .replace(/^> /gm, '')
  return /[<>]|&(?!(amp|lt|gt);)/.test(rest) ? fail(path, 'a control character is not escaped') : []
}

const imageElement = fields({ type: any, image_url: url, alt_text: text(2000) })
const button = fields({
  type: any,
  text: plainText(75),
  'action_id?': text(255),
  'value?': text(2000),
  'url?': url,
  'style?': oneOf('primary', 'danger'),
})
const option = fields({ text: plainText(75), value: text(75) })
const select = fields({
  type: any,
  'action_id?': text(255),
  'placeholder?': plainText(150),
  options: list(1, 100, option),
})

/** Something with a `type` that decides the rest. */
const byType =
  (checks: Record<string, Check>): Check =>
  (value, path) => {
    const check = checks[String((value as Block | null)?.type)]
    return check ? check(value, path) : fail(path, 'unsupported type')
  }

const style = fields({
  'bold?': oneOf(true),
  'italic?': oneOf(true),
  'strike?': oneOf(true),
  'code?': oneOf(true),
})
const richTextPiece = fields({ type: any, text: richWords, 'style?': style })
const richLink = fields({ type: any, url: linkUrl, 'text?': richWords, 'style?': style })
const id =
  (form: RegExp): Check =>
  (value, path) =>
    typeof value === 'string' && form.test(value) ? [] : fail(path, 'invalid id')
const mentions = {
  user: fields({ type: any, user_id: id(/^[UW][A-Z0-9]+$/), 'style?': style }),
  channel: fields({ type: any, channel_id: id(/^[CG][A-Z0-9]+$/), 'style?': style }),
  usergroup: fields({ type: any, usergroup_id: id(/^S[A-Z0-9]+$/), 'style?': style }),
}
const inline = list(1, 10_000, byType({ text: richTextPiece, link: richLink, ...mentions }))
const codeInline = list(1, 10_000, byType({ text: richTextPiece, link: richLink }))

function richWords(value: unknown, path: string): string[] {
  return typeof value === 'string' && value.length > 0 ? [] : fail(path, 'must be more than 0 characters')
}

const richSection = fields({ type: oneOf('rich_text_section'), elements: inline })
const richTextElement = byType({
  rich_text_section: richSection,
  rich_text_quote: fields({ type: any, elements: inline, 'border?': whole }),
  rich_text_preformatted: fields({ type: any, elements: codeInline, 'border?': whole }),
  rich_text_list: fields({
    type: any,
    style: oneOf('bullet', 'ordered'),
    elements: list(1, 10_000, richSection),
    'indent?': oneOf(0, 1, 2, 3, 4, 5, 6, 7, 8),
    'offset?': whole,
    'border?': whole,
  }),
})

const isUnique = (ids: unknown[]): boolean => new Set(ids).size === ids.length

const actions: Check = (value, path) => {
  const faults = fields({
    type: any,
    elements: list(1, 25, byType({ button, static_select: select })),
    'block_id?': text(255),
  })(value, path)
  const { elements } = value as { elements?: { action_id?: string }[] }
  const ids = Array.isArray(elements) ? elements.flatMap((each) => each.action_id ?? []) : []
  return isUnique(ids) ? faults : [...faults, ...fail(path, 'action_id is not unique')]
}

const checkBlock: Check = byType({
  section: fields({ type: any, text: textObject(3000), 'accessory?': byType({ image: imageElement }) }),
  image: fields({ type: any, image_url: url, alt_text: text(2000), 'title?': plainText(2000) }),
  actions,
  rich_text: fields({ type: any, elements: list(1, 10_000, richTextElement) }),
})

/** What a person reads: the blocks, or the text of a message without any. */
export const visibleText = (message: string, isMrkdwn: boolean, blocks: readonly Block[]): string =>
  blocks.length > 0 ? blocks.map(readBlock).join('\n') : isMrkdwn ? readMrkdwn(message) : decode(message)

function readBlock(value: unknown): string {
  const block = value as Record<string, unknown> & { elements?: Record<string, unknown>[] }
  switch (block.type) {
    case 'section': {
      const { type, text } = block.text as { type: string; text: string }
      return type === 'mrkdwn' ? readMrkdwn(text) : text
    }
    case 'image':
      return (block.title as { text?: string } | undefined)?.text ?? ''
    case 'actions':
      return (block.elements ?? []).map(readControl).join('\n')
    case 'link':
      return String(block.text ?? block.url)
    case 'text':
      return String(block.text)
    case 'user':
      return `<@${block.user_id}>`
    case 'channel':
      return `<#${block.channel_id}>`
    case 'usergroup':
      return `<!subteam^${block.usergroup_id}>`
    case 'rich_text_section':
    case 'rich_text_quote':
    case 'rich_text_preformatted':
      return (block.elements ?? []).map(readBlock).join('')
    default:
      return (block.elements ?? []).map(readBlock).join('\n')
  }
}

function readControl(control: Record<string, unknown>): string {
  const options = control.options as { text: { text: string } }[] | undefined
  if (options) return options.map(({ text }) => text.text).join('\n')
  return (control.text as { text: string }).text
}

const decode = (text: string): string =>
  text.replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: '&', lt: '<', gt: '>' })[name as 'amp'])

/** Formatting by the marks that Slack takes: at the edge of a word, around something that is no space; and quotes. */
function readMrkdwn(text: string): string {
  const linked = text.replace(/<([^<>|]+)(?:\|([^<>]*))?>/g, (_, url, label) =>
    /^[@#!]/.test(url) ? `&lt;${url}&gt;` : (label ?? url),
  )
  const marks = /(?<![\p{L}\p{N}])([*_~`])(?=\S)([^\n]*?\S)\1(?![\p{L}\p{N}])/u
  let plain = linked.replace(/^(?:&gt;|>) ?/gm, '')
  for (let found = marks.exec(plain); found; found = marks.exec(plain)) {
    plain = plain.slice(0, found.index) + found[2] + plain.slice(found.index + found[0].length)
  }
  return decode(plain).replaceAll('\u200b', '')
}
