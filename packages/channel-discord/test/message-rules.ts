import { isUrl } from '@plugboard/core'

/**
 * What Discord's reference allows in a message, and what a person reads in it.
 * https://docs.discord.com/developers/resources/message and https://docs.discord.com/developers/components/reference
 */
type Check = (value: unknown, path: string) => string[]

const fail = (path: string, why: string): string[] => [`${path}: ${why}`]

const text =
  (max: number, min = 1): Check =>
  (value, path) => {
    if (typeof value !== 'string') return fail(path, 'must be a string')
    const length = [...value].length
    return length < min || length > max ? fail(path, `must be between ${min} and ${max} in length`) : []
  }

const url =
  (max: number): Check =>
  (value, path) =>
    typeof value === 'string' &&
    value.length <= max &&
    /^(https?|attachment):\/\/[^\s]+$/.test(value) &&
    isUrl(value)
      ? []
      : fail(path, 'Not a well formed URL.')

const oneOf =
  (...allowed: unknown[]): Check =>
  (value, path) =>
    allowed.includes(value) ? [] : fail(path, `must be one of ${allowed.join(', ')}`)

const list =
  (min: number, max: number, check: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return fail(path, 'must be a list')
    if (value.length < min || value.length > max) return fail(path, `must have ${min} to ${max} items`)
    return value.flatMap((each, i) => check(each, `${path}.${i}`))
  }

/** An object with these fields and no others; those that end in `?` may be absent. */
const fields =
  (checks: Record<string, Check>): Check =>
  (value, path) => {
    if (typeof value !== 'object' || value === null) return fail(path, 'must be an object')
    const own = value as Record<string, unknown>
    const names = Object.keys(checks).map((key) => key.replace('?', ''))
    const known = Object.entries(checks).flatMap(([key, check]) => {
      const name = key.replace('?', '')
      if (own[name] !== undefined) return check(own[name], `${path}.${name}`)
      return key.endsWith('?') ? [] : fail(`${path}.${name}`, 'This field is required')
    })
    const others = Object.keys(own).filter((name) => !names.includes(name))
    return [...known, ...others.flatMap((name) => fail(`${path}.${name}`, 'is no field'))]
  }

const embed: Check = (value, path) => {
  const faults = fields({
    'title?': text(256),
    'description?': text(4096),
    'image?': fields({ url: url(2048) }),
  })(value, path)
  return Object.keys(Object(value)).length > 0 ? faults : fail(path, 'is empty')
}

const button: Check = (value, path) =>
  Object(value).style === 5
    ? fields({ type: oneOf(2), style: oneOf(5), label: text(80), url: url(512) })(value, path)
    : fields({ type: oneOf(2), style: oneOf(1, 2, 3, 4), label: text(80), custom_id: text(100) })(value, path)

const menu: Check = (value, path) => {
  const faults = fields({
    type: oneOf(3),
    custom_id: text(100),
    'placeholder?': text(150),
    options: list(1, 25, fields({ label: text(100), value: text(100) })),
  })(value, path)
  const values: unknown[] = (Object(value).options ?? []).map((option: { value: unknown }) => option.value)
  return new Set(values).size === values.length ? faults : [...faults, ...fail(path, 'a value is used twice')]
}

const row: Check = (value, path) => {
  const { components } = Object(value)
  const isMenu = Array.isArray(components) && components.some((each) => Object(each).type === 3)
  const inside = isMenu ? list(1, 1, menu) : list(1, 5, button)
  return fields({ type: oneOf(1), components: inside })(value, path)
}

const none: Check = (value, path) =>
  Array.isArray(value) && value.length === 0 ? [] : fail(path, 'must be empty')

const message = fields({
  'content?': text(2000, 0),
  'embeds?': list(0, 10, embed),
  'components?': list(0, 5, row),
  'attachments?': list(0, 10, fields({ id: oneOf(0), filename: text(1024) })),
  /** Nobody may be notified. */
  allowed_mentions: fields({ parse: none }),
  'nonce?': text(25),
  'enforce_nonce?': oneOf(true),
})

export interface MessageBody {
  content?: string
  embeds?: { title?: string; description?: string; image?: { url: string } }[]
  components?: {
    components: {
      label?: string
      custom_id?: string
      url?: string
      options?: { label: string; value: string }[]
    }[]
  }[]
  attachments?: { filename: string }[]
  nonce?: string
  enforce_nonce?: boolean
}

/** White space is trimmed, and characters without width are not shown. */
const isShown = (words = ''): boolean => /[^\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u.test(words)

/** Why Discord would refuse a message; nothing when it would not. */
export function faultsOf(body: unknown, files: number): string[] {
  const faults = message(body, 'message')
  if (faults.length > 0) return faults
  const { content, embeds = [], components = [] } = body as MessageBody
  const embedded = embeds.reduce(
    (sum, { title = '', description = '' }) => sum + title.length + description.length,
    0,
  )
  if (embedded > 6000) return fail('message.embeds', 'Embed size exceeds maximum size of 6000')
  const ids = components.flatMap((row) => row.components.flatMap(({ custom_id }) => custom_id ?? []))
  if (new Set(ids).size !== ids.length)
    return fail('message.components', 'Component custom id cannot be duplicated')
  if (!isShown(content) && embeds.length === 0 && files === 0)
    return fail('message', 'Cannot send an empty message')
  return []
}

/**
 * What a person reads of a text in Discord's Markdown in which nothing is formatted: the characters behind back slashes,
 * addresses and Discord's own forms as they are. @throws for a mark that would format something.
 */
export function unformatted(content: string): string {
  let words = ''
  for (let rest = content; rest !== ''; ) {
    const isLineStart = words === '' || /\n[^\S\n]*$/.test(words) || /^[^\S\n]*$/.test(words)
    const [whole = '', escaped] =
      /^\\([^\p{L}\p{N}\s])/u.exec(rest) ??
      (/[\p{L}\p{N}_]$/u.test(words) ? null : /^https?:\/\/[^\s<>\\|]+/.exec(rest)) ??
      /^<(?:@[!&]?\d+|#\d+|a?:\w+:\d+|t:-?\d+(?::[tTdDfFsSR])?)>/.exec(rest) ??
      []
    if (whole !== '') {
      words += escaped ?? whole
      rest = rest.slice(whole.length)
      continue
    }
    const mark =
      /^[\\*_~`|[\]<>]|^:(?!https?:\/\/)[\w+-]+:/.exec(rest) ??
      (isLineStart ? /^(?:#{1,3}|-#|[-+]|\d+\.)(?=\s|$)/.exec(rest) : null)
    if (mark) throw new Error(`${mark[0]} would format something in ${JSON.stringify(content)}`)
    const [character = ''] = rest
    const taken = rest.codePointAt(0) !== undefined ? ([...rest.slice(0, 2)][0] ?? character) : character
    words += taken
    rest = rest.slice(taken.length)
  }
  return words
}
