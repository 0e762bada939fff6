import type { ConfigSchema } from '../api/wire.js'

/** What the fields of a form have. */
export type Texts = Readonly<Record<string, string>>

/** The texts that a form begins with. Secrets are never known. */
export function textsOf(schema: ConfigSchema, config: Readonly<Record<string, unknown>> = {}): Texts {
  const texts: Record<string, string> = {}
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const value = config[name]
    if (value === undefined || value === null) texts[name] = ''
    else if (isLines(property) && Array.isArray(value)) texts[name] = value.join('\n')
    else texts[name] = typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value)
  }
  return texts
}

/** What is sent: members without a text are left out. A text that is no JSON is sent as it is, so that the server says what is wrong. */
export function configOf(schema: ConfigSchema, texts: Texts): Record<string, unknown> {
  const config: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const text = texts[name] ?? ''
    if (text.trim() !== '') config[name] = parsedOf(property, text)
  }
  return config
}

function parsedOf(property: ConfigSchema, text: string): unknown {
  const { type } = property
  if (type === 'string') return text
  if (isLines(property)) return text.split('\n').flatMap((line) => line.trim() || [])
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const isLines = ({ type, items }: ConfigSchema): boolean => type === 'array' && items?.type === 'string'

/** `botToken` as `Bot token`, and `accountSID` as `Account SID`. */
export function labelOf(name: string, { title }: ConfigSchema): string {
  if (title !== undefined) return title
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').split(/[\s_-]+/)
  const [first = '', ...rest] = words.map((word) => (/^[A-Z]{2,}$/.test(word) ? word : word.toLowerCase()))
  return [first.charAt(0).toUpperCase() + first.slice(1), ...rest].join(' ')
}
