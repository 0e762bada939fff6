import { expect, test } from 'vitest'
import ar from './ar.js'
import de from './de.js'
import en from './en.js'
import es from './es.js'
import fr from './fr.js'
import hi from './hi.js'
import pt from './pt.js'

const placeholders = (sentence: string): string[] => (sentence.match(/\{\w+\}/g) ?? []).sort()

test.each(Object.entries({ ar, de, es, fr, hi, pt }))(
  '%s has the words of English, with their values',
  (_, words) => {
    expect(Object.keys(words)).toEqual(Object.keys(en))
    for (const [key, sentence] of Object.entries(words)) {
      expect(sentence.trim(), key).not.toBe('')
      expect(placeholders(sentence), key).toEqual(placeholders(en[key as keyof typeof en]))
    }
  },
)
