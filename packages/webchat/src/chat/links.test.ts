import { expect, test } from 'vitest'
import { nameIn, safeFile, safeLink } from './links.js'

test.each([
  ['https://shop.example/a', 'https://shop.example/a'],
  ['http://shop.example/', 'http://shop.example/'],
  ['mailto:a@shop.example', 'mailto:a@shop.example'],
  ['tel:+49123', 'tel:+49123'],
  ['javascript:alert(1)', undefined],
  [' JavaScript:alert(1)', undefined],
  ['java\nscript:alert(1)', undefined],
  ['data:text/html,hi', undefined],
  ['blob:https://shop.example/1', undefined],
  ['//shop.example', undefined],
  ['shop', undefined],
])('a link to %j leads to %j', (address, href) => {
  expect(safeLink(address)).toBe(href)
})

test('a file has an address of the web', () => {
  expect(safeFile('https://hub.example/f')).toBe('https://hub.example/f')
  expect(safeFile('mailto:a@shop.example')).toBeUndefined()
})

test.each([
  ['https://hub.example/files/Care%20guide.pdf?x=1', 'Care guide.pdf'],
  ['https://hub.example/%E0%A4%A', ''],
  ['nothing', ''],
])('the name of %j is %j', (address, name) => {
  expect(nameIn(address)).toBe(name)
})
