import type { WebChatConfig } from './config.js'

/** The languages that the chat speaks. */
const LANGUAGES = ['en', 'de', 'fr', 'es', 'pt', 'hi', 'ar'] as const
export type Language = (typeof LANGUAGES)[number]

/**
 * The language of the chat: the wanted one, or that of the page, or one of the browser's, if the client offers it; else
 * the default of the client.
 */
export function languageOf(wanted?: string, config?: Partial<WebChatConfig>): Language {
  const offered = config?.languages?.length ? config.languages.map(base) : LANGUAGES
  const isOffered = (language: string): boolean =>
    isKnown(language) && (offered as readonly string[]).includes(language)
  const { lang } = document.documentElement
  const found = [wanted ?? '', lang, ...navigator.languages, config?.defaultLanguage ?? '']
    .map(base)
    .find(isOffered)
  return found !== undefined && isKnown(found) ? found : 'en'
}

const base = (tag: string): string => tag.toLowerCase().split('-', 1)[0] ?? ''

const isKnown = (language: string): language is Language =>
  (LANGUAGES as readonly string[]).includes(language)
