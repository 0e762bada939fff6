import type { Language } from '../language.js'
import en, { type Words } from '../languages/en.js'

export type { Words }

const files: Record<Exclude<Language, 'en'>, () => Promise<{ default: Words }>> = {
  ar: () => import('../languages/ar.js'),
  de: () => import('../languages/de.js'),
  es: () => import('../languages/es.js'),
  fr: () => import('../languages/fr.js'),
  hi: () => import('../languages/hi.js'),
  pt: () => import('../languages/pt.js'),
}

/** The words of a language. English, which is always there, if its file cannot be loaded. */
export async function wordsOf(language: Language): Promise<Words> {
  if (language === 'en') return en
  try {
    return (await files[language]()).default
  } catch {
    return en
  }
}

export const directionOf = (language: Language): 'ltr' | 'rtl' => (language === 'ar' ? 'rtl' : 'ltr')

/** Puts values into a sentence: `fill('{n} of {count}', { n: 1, count: 3 })`. */
export const fill = (sentence: string, values: Readonly<Record<string, string | number>>): string =>
  sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
