import { createPublicKey } from 'node:crypto'
import { isStorable, isUrl } from '@plugboard/core'
import { z } from 'zod'
import { contrastOf, textColorOn } from './contrast.js'

/** Most origins of a site, and most languages. */
const MAX_ORIGINS = 50
const MAX_LANGUAGES = 30
/** Most fields of the form before a chat. */
const MAX_FIELDS = 10
/** The least characters of a secret: RFC 7518 §3.2 wants 256 bits for HS256. */
const MIN_SECRET = 32
const MAX_SECRET = 1_000
/** The contrast that WCAG 2.2 AA (1.4.3) wants of text. */
const MIN_CONTRAST = 4.5
const MAX_NAME = 100
const MAX_TEXT = 1_000
const ONE_GIBIBYTE = 2 ** 30

const words = (max: number) =>
  z
    .string({ error: required('text') })
    .min(1, 'must not be empty')
    .max(max, `must be at most ${max} characters long`)
    .refine(isStorable, 'must not contain NUL or half of a surrogate pair')

const language = z
  .string({ error: 'must be a language such as en or pt-BR' })
  .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/, {
    error: 'must be a language such as en or pt-BR',
    abort: true,
  })

/** Those that the chat speaks. */
const SPOKEN = ['en', 'de', 'fr', 'es', 'pt', 'hi', 'ar']

const spokenLanguage = language.refine((tag) => SPOKEN.includes(mainOf(tag)), {
  error: `must be a language that the chat speaks: ${SPOKEN.join(', ')}`,
})

/** A text, or one for each language. */
const localized = (max: number) =>
  z.union([words(max), z.record(language, words(max))], {
    error: `must be text of at most ${max} characters, or such texts by language: {"en": "Hello", "de": "Hallo"}`,
  })

export type LocalizedText = z.infer<ReturnType<typeof localized>>

const origin = z
  .string({ error: 'must be an origin such as https://shop.example' })
  .transform((text, context) => {
    const found = originOf(text)
    if (found !== undefined) return found
    context.addIssue('must be an origin such as https://shop.example: http or https, without a path')
    return z.NEVER
  })

const color = z
  .string({ error: 'must be a colour such as #2563eb' })
  .regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #2563eb')

const colors = z
  .strictObject(
    {
      accent: color.default('#2563eb'),
      accentText: color.optional(),
    },
    { error: 'must be an object with accent and accentText' },
  )
  .transform(({ accent, accentText = textColorOn(accent) }) => ({ accent, accentText }))
  .refine(({ accent, accentText }) => contrastOf(accent, accentText) >= MIN_CONTRAST, {
    path: ['accentText'],
    error: `must have a contrast of at least ${MIN_CONTRAST} with accent`,
  })

const field = z.strictObject({
  name: words(40)
    .regex(/^[A-Za-z][A-Za-z0-9_]*$/, 'must be a letter, then letters, digits and _')
    .refine((name) => name !== 'verified', 'must not be "verified", which says what the site vouches for'),
  label: localized(MAX_NAME),
  type: z.enum(['text', 'email', 'tel'], { error: 'must be text, email or tel' }).default('text'),
  isRequired: z.boolean({ error: 'must be a boolean' }).default(false),
})

const form = z.strictObject(
  {
    fields: z
      .array(field, { error: 'must be a list of fields' })
      .min(1, 'must not be empty')
      .max(MAX_FIELDS, `must have at most ${MAX_FIELDS} fields`)
      .refine(
        (fields) => new Set(fields.map(({ name }) => name)).size === fields.length,
        'must not have two fields of one name',
      ),
  },
  { error: 'must be an object with fields' },
)

const mediaType = z
  .string({ error: 'must be a media type such as image/png or image/*' })
  .regex(/^[a-z0-9.+-]{1,60}\/([a-z0-9.+-]{1,100}|\*)$/, 'must be a media type such as image/png or image/*')

const uploads = z.strictObject(
  {
    maxBytes: z
      .int({ error: 'must be a number of bytes' })
      .min(0, 'must not be negative')
      .max(ONE_GIBIBYTE, `must be at most ${ONE_GIBIBYTE}`)
      .default(10_485_760),
    types: z
      .array(mediaType, { error: 'must be a list of media types' })
      .max(50, 'must have at most 50 types')
      .default(['image/*', 'audio/*', 'video/*', 'application/pdf', 'text/plain']),
  },
  { error: 'must be an object with maxBytes and types' },
)

const secret = z
  .string({ error: 'must be text' })
  .min(MIN_SECRET, `must have at least ${MIN_SECRET} characters`)
  .max(MAX_SECRET, `must have at most ${MAX_SECRET} characters`)

const publicKey = z
  .string({ error: 'must be a public key' })
  .max(4_096, 'must have at most 4096 characters')
  .refine(isP256, 'must be a P-256 public key in PEM form: -----BEGIN PUBLIC KEY-----')

/** Fields are compared with each other also beside faults of others, so that all faults are named at once. */
const areSound =
  (...fields: string[]) =>
  ({ value, issues }: z.core.ParsePayload): boolean =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !issues.some(({ path }) => fields.includes(String(path?.[0])))

/** A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. */
export const configSchema = z
  .strictObject({
    allowedOrigins: z
      .array(origin, { error: 'must be a list of origins' })
      .max(MAX_ORIGINS, `must have at most ${MAX_ORIGINS} origins`)
      .default([])
      .describe("Origins of the pages that may show the chat. The server's own page needs none."),
    name: words(MAX_NAME).default('Chat').describe('The name at the top of the chat.'),
    greeting: localized(MAX_TEXT).optional().describe('What visitors read before they write.'),
    avatarUrl: z
      .url({ protocol: /^https$/, error: 'must be an https URL' })
      .max(2_000, 'must be at most 2000 characters long')
      .optional()
      .describe('The address of a picture beside the name.'),
    languages: z
      .array(spokenLanguage, { error: 'must be a list of languages' })
      .min(1, 'must not be empty')
      .max(MAX_LANGUAGES, `must have at most ${MAX_LANGUAGES} languages`)
      .default(SPOKEN)
      .describe('Languages that visitors may get.'),
    defaultLanguage: language
      .optional()
      .describe('For visitors whose language is none of these. Default: the first one.'),
    position: z
      .enum(['right', 'left'], { error: 'must be right or left' })
      .default('right')
      .describe('On which side of a page the button of the chat is.'),
    colors: colors
      .prefault({})
      .describe('Colours of buttons and of what the visitor wrote, such as #2563eb.'),
    form: form.optional().describe('What visitors are asked before they can write.'),
    uploads: uploads.prefault({}).describe('Files that visitors may send.'),
    jwtSecret: secret.optional().describe('Signs the tokens of known customers with HS256.'),
    previousJwtSecret: secret
      .optional()
      .describe('The old secret during a change: tokens that are signed with it are accepted too.'),
    jwtPublicKey: publicKey
      .optional()
      .describe('Verifies the tokens of known customers that are signed with ES256.'),
  })
  .refine(
    ({ languages, defaultLanguage }) => defaultLanguage === undefined || languages.includes(defaultLanguage),
    {
      path: ['defaultLanguage'],
      error: 'must be one of languages',
      when: areSound('languages', 'defaultLanguage'),
    },
  )
  .superRefine(
    ({ languages, greeting, form }, context) => {
      const main = new Set(languages.map(mainOf))
      const check = (text: LocalizedText | undefined, ...path: (string | number)[]): void => {
        if (text === undefined || typeof text === 'string') return
        for (const tag of Object.keys(text).filter((tag) => !main.has(mainOf(tag))))
          context.addIssue({ code: 'custom', path: [...path, tag], message: 'must be one of languages' })
      }
      check(greeting, 'greeting')
      for (const [index, { label }] of (form?.fields ?? []).entries())
        check(label, 'form', 'fields', index, 'label')
    },
    { when: areSound('languages', 'greeting', 'form') },
  )

export type Config = z.infer<typeof configSchema>

/** A channel without a provider needs no session. */
export type Session = null

export const connect = (): Session => null

/** The text of the language, of its main language, of the default one, or else any. */
export function textIn(text: LocalizedText, language: string, fallback: string): string {
  if (typeof text === 'string') return text
  const found = [language, mainOf(language), fallback, mainOf(fallback)].find((each) =>
    Object.hasOwn(text, each),
  )
  return (found === undefined ? Object.values(text)[0] : text[found]) ?? ''
}

const mainOf = (language: string): string => language.replace(/-.*$/, '')

const ORIGIN = /^https?:\/\/([a-z0-9._-]+|\[[\da-f:.]+\])(:\d+)?$/

/** As a browser writes it in `Origin`; undefined if it is none, or has more than an origin. */
function originOf(text: string): string | undefined {
  if (!isUrl(text)) return undefined
  const { origin, pathname, search, hash, username, password } = new URL(text)
  // A host may have characters that mean something in a policy of a page.
  if (!ORIGIN.test(origin)) return undefined
  const isBare = pathname === '/' && search === '' && hash === '' && username === '' && password === ''
  return isBare ? origin : undefined
}

function isP256(pem: string): boolean {
  if (!pem.includes('PUBLIC KEY')) return false
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey(pem)
    return asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1'
  } catch {
    return false
  }
}

function required(what: string) {
  return ({ input }: { input?: unknown }): string => (input === undefined ? 'is required' : `must be ${what}`)
}
