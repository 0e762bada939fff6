import { expect, test } from 'vitest'
import { targetLabel } from './target-label.js'

test('a target is called by its channel or its URL, without ids of the hub and without secrets', () => {
  expect(targetLabel('twilio 01a22de738b63a49a1322d4e')).toBe('twilio')
  expect(targetLabel('twilio support line 01a22de738b63a49a1322d4e')).toBe('twilio support line')
  expect(targetLabel('https://bot.example/hook?key=1')).toBe('https://bot.example/hook?…')
})
