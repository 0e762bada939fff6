import { afterEach, expect, test, vi } from 'vitest'
import { languageOf } from './language.js'

afterEach(() => vi.unstubAllGlobals())

const visit = (page: string, ...browser: string[]): void => {
  vi.stubGlobal('document', { documentElement: { lang: page } })
  vi.stubGlobal('navigator', { languages: browser })
}

test('the page decides, then the browser', () => {
  visit('de-AT', 'fr')
  expect(languageOf()).toBe('de')
  expect(languageOf('pt-BR')).toBe('pt')
  visit('', 'nl', 'fr-CA')
  expect(languageOf()).toBe('fr')
})

test('only what the client offers', () => {
  visit('de', 'fr')
  expect(languageOf(undefined, { languages: ['en', 'fr'], defaultLanguage: 'en' })).toBe('fr')
  expect(languageOf(undefined, { languages: ['es'], defaultLanguage: 'es' })).toBe('es')
})

test('English where there is no other', () => {
  visit('nl', 'sv')
  expect(languageOf()).toBe('en')
  expect(languageOf(undefined, { languages: ['sv'], defaultLanguage: 'sv' })).toBe('en')
})
