/** What the client configured for its web chat. */
export interface WebChatConfig {
  name: string
  greeting?: string
  avatarUrl?: string
  languages: string[]
  defaultLanguage: string
  position: 'right' | 'left'
  colors: { accent: string; accentText?: string }
  form?: { fields: FormField[] }
  uploads: { maxBytes: number; types: string[] }
}

/** A question before the chat. */
export interface FormField {
  name: string
  label: string
  type: 'text' | 'email' | 'tel'
  isRequired: boolean
}

const DEFAULT_ACCENT = '#1f5eff'
/** 10 MiB: what the hub takes when it does not say. */
const DEFAULT_MAX_BYTES = 10_485_760

/** The configuration with defaults for what a hub of another version, or one kept in this browser, does not have. */
export function completeConfig({ colors, uploads, form, ...config }: Partial<WebChatConfig>): WebChatConfig {
  return {
    ...config,
    name: config.name ?? 'Chat',
    languages: config.languages ?? [],
    defaultLanguage: config.defaultLanguage ?? 'en',
    position: config.position === 'left' ? 'left' : 'right',
    colors: { ...colors, accent: colors?.accent ?? DEFAULT_ACCENT },
    uploads: { maxBytes: uploads?.maxBytes ?? DEFAULT_MAX_BYTES, types: uploads?.types ?? [] },
    ...(form?.fields?.length && { form }),
  }
}
