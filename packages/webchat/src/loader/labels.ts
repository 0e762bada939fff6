import type { Language } from '../language.js'

/** What the button says while the chat is not loaded. All other words come with the chat. */
export const OPEN_CHAT: Record<Language, string> = {
  en: 'Open chat',
  de: 'Chat öffnen',
  fr: 'Ouvrir le chat',
  es: 'Abrir el chat',
  pt: 'Abrir o chat',
  hi: 'चैट खोलें',
  ar: 'فتح الدردشة',
}
