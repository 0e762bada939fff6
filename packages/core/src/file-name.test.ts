import { describe, expect, test } from 'vitest'
import { fileNameIn } from './file-name.js'

describe('the name of a file in an address', () => {
  test.each([
    ['is the last part of the path', 'https://a.example/x/menu.pdf?v=1#top', 'menu.pdf'],
    ['is decoded', 'https://a.example/caf%C3%A9%20menu.pdf', 'café menu.pdf'],
    ['stays as it is if it cannot be decoded', 'https://a.example/100%.pdf', '100%.pdf'],
    [
      'has no characters of a header or another folder',
      'https://a.example/a%22%0d%0ab%2F..%5Cc.pdf',
      'a___b_.._c.pdf',
    ],
    ['keeps its ending if it is long', `https://a.example/${'a'.repeat(200)}.pdf`, `${'a'.repeat(96)}.pdf`],
    ['has no half of a pair', `https://a.example/${'%F0%9F%91%8B'.repeat(50)}a`, `\ufffd${'👋'.repeat(49)}a`],
  ])('%s', (_, address, name) => {
    expect(fileNameIn(address)).toBe(name)
    expect(fileNameIn(new URL(address))).toBe(name)
  })

  test('is undefined without a last part, and of what is no address', () => {
    for (const address of ['menu.pdf', 'https://a.example', 'https://a.example/x/', 'https://a.example/%20'])
      expect(fileNameIn(address)).toBeUndefined()
  })
})
