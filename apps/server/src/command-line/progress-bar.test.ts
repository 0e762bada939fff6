import { describe, expect, test } from 'vitest'
import { progressOn } from './progress-bar.js'

function screen(isTTY: boolean) {
  let text = ''
  const write = (more: string) => {
    text += more
  }
  return { isTTY, write, text: () => text }
}

describe('the progress of a copy', () => {
  test('is a line for each tenth where there is no terminal, and one at the end', () => {
    const plain = screen(false)
    let ms = 0
    const { show, end } = progressOn(plain, { now: () => ms })
    for (let done = 0; done <= 999; done += 37) {
      ms += 100
      show(done, 999)
    }
    end()
    const lines = plain.text().trimEnd().split('\n')
    expect(lines).toHaveLength(10)
    expect(lines.at(-1)).toBe('100 % · 999 of 999 records · 357/s')
  })

  test('is a bar that moves in one line of a terminal', () => {
    const terminal = screen(true)
    const { show, end } = progressOn(terminal, { now: () => 0 })
    show(0, 10)
    show(5, 10)
    end()
    const [, first, second] = terminal.text().split('\r')
    expect(first).toContain(`[${'-'.repeat(30)}] 0 %`)
    expect(second).toContain(`[${'#'.repeat(15)}${'-'.repeat(15)}] 50 % · 5 of 10`)
    expect(terminal.text().match(/\n/g)).toHaveLength(1)
  })

  test('says nothing where nothing was to do', () => {
    const terminal = screen(true)
    progressOn(terminal).end()
    expect(terminal.text()).toBe('')
  })
})
