import { afterEach, expect, test, vi } from 'vitest'
import { keepOf } from './storage.js'

afterEach(() => vi.unstubAllGlobals())

function fakeStorage(): Storage {
  const items = new Map<string, string>()
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  } as Storage
}

test('what is kept is there for the next page, for each client apart', () => {
  vi.stubGlobal('localStorage', fakeStorage())
  keepOf('a').set({ token: 't' })
  keepOf('a').set({ userId: 'u' })
  expect(keepOf('a').get()).toEqual({ token: 't', userId: 'u' })
  expect(keepOf('b').get()).toEqual({})
  keepOf('a').clear()
  expect(keepOf('a').get()).toEqual({})
})

test('where storage is blocked, it is kept until the page is left', () => {
  vi.stubGlobal('localStorage', undefined)
  const keep = keepOf('a')
  keep.set({ token: 't' })
  expect(keep.get()).toEqual({ token: 't' })
  expect(keepOf('a').get()).toEqual({})
})

test('what somebody else wrote there is no reason to fail', () => {
  vi.stubGlobal('localStorage', fakeStorage())
  localStorage.setItem('plugboard:a', '{broken')
  expect(keepOf('a').get()).toEqual({})
})
