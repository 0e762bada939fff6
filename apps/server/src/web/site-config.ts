import { type Config, textIn } from '@plugboard/channel-web'
import { invalid } from '@plugboard/core'
import { z } from 'zod'

/** What a site configures, as its pages get it. */

const field = z.object({
  name: z.string(),
  label: z.string(),
  type: z.enum(['text', 'email', 'tel']),
  isRequired: z.boolean(),
})

export const siteConfigSchema = z.object({
  name: z.string(),
  greeting: z.string().optional(),
  avatarUrl: z.url().optional(),
  languages: z.array(z.string()),
  defaultLanguage: z.string(),
  position: z.enum(['right', 'left']),
  colors: z.object({ accent: z.string(), accentText: z.string() }),
  form: z.object({ fields: z.array(field) }).optional(),
  uploads: z.object({
    maxBytes: z.int().describe('0: no files.'),
    types: z.array(z.string()).describe('Media types, such as `image/*`.'),
  }),
  hasSignIn: z.boolean().describe('Whether the site signs tokens of known customers.'),
})

const defaultLanguageOf = ({ languages, defaultLanguage = languages[0] ?? 'en' }: Config): string =>
  defaultLanguage

/** Languages of a visitor that are looked at. */
const MAX_PREFERRED = 20

/** The language of the site that a visitor prefers most, by `Accept-Language` (RFC 9110 §12.5.4); else the default one. */
export function languageFor(config: Config, acceptLanguage = ''): string {
  const preferred = acceptLanguage
    .split(',', MAX_PREFERRED)
    .map((part) => {
      const [tag = '', ...parameters] = part.toLowerCase().split(';')
      const weight = parameters.map((text) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(text)?.[1]).find(Boolean)
      return { tag: tag.trim(), weight: Number(weight ?? 1) }
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
  for (const { tag } of preferred) {
    const found = config.languages.find((language) => mainOf(language) === mainOf(tag))
    if (found !== undefined) return found
  }
  return defaultLanguageOf(config)
}

const mainOf = (tag: string): string => tag.toLowerCase().split('-', 1)[0] ?? ''

/** `maxBytes`: what the server takes. */
export function siteConfigJson(
  config: Config,
  { language, maxBytes }: { language?: string | undefined; maxBytes: number },
): z.infer<typeof siteConfigSchema> {
  const { name, greeting, avatarUrl, languages, position, colors, form, uploads } = config
  const fallback = defaultLanguageOf(config)
  const text = (given: Parameters<typeof textIn>[0]): string => textIn(given, language ?? fallback, fallback)
  return {
    name,
    ...(greeting !== undefined && { greeting: text(greeting) }),
    ...(avatarUrl !== undefined && { avatarUrl }),
    languages,
    defaultLanguage: fallback,
    position,
    colors,
    ...(form && { form: { fields: form.fields.map((each) => ({ ...each, label: text(each.label) })) } }),
    uploads: { maxBytes: Math.min(uploads.maxBytes, maxBytes), types: uploads.types },
    hasSignIn: config.jwtSecret !== undefined || config.jwtPublicKey !== undefined,
  }
}

const EMAIL = z.email().max(200)
const PHONE = /^\+?[\d\s().\-/]{4,30}$/

/** The values of a form, as far as the site has such fields. @throws INVALID that names the field */
export function formOf({ form }: Config, values: Record<string, string>): Record<string, string> {
  const fields = form?.fields ?? []
  const unknown = Object.keys(values).find((name) => !fields.some((each) => each.name === name))
  if (unknown !== undefined)
    throw invalid({ path: ['form', unknown.slice(0, 50)], message: 'is not a field of the form' })
  const filled = fields.flatMap(({ name, type, isRequired }): [string, string][] => {
    const value = values[name]?.trim() ?? ''
    const fault = (message: string) => invalid({ path: ['form', name], message })
    if (value === '') {
      if (isRequired) throw fault('is required')
      return []
    }
    if (type === 'email' && !EMAIL.safeParse(value).success) throw fault('must be an e-mail address')
    if (type === 'tel' && !PHONE.test(value)) throw fault('must be a telephone number')
    return [[name, value]]
  })
  return Object.fromEntries(filled)
}
