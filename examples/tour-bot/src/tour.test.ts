import { expect, test } from 'vitest'
import { stepsAfter, tourOf } from './tour.js'

const files = {
  ...{ image: 'https://files.example/i.png', audio: 'https://files.example/a.mp3' },
  ...{ video: 'https://files.example/v.mp4', document: 'https://files.example/d.pdf' },
}
const tour = tourOf(files)

test('asks what to show when a person says anything', () => {
  const [menu, ...rest] = stepsAfter({ type: 'text', text: 'hello' }, tour)
  expect(rest).toEqual([])
  expect(menu?.content).toMatchObject({
    type: 'dropdown',
    options: expect.arrayContaining([{ label: 'A card', value: 'card' }]),
  })
})

test('shows each stop that the menu offers', () => {
  for (const [value, { steps }] of tour) {
    expect(stepsAfter({ type: 'quick_reply', text: 'x', payload: value }, tour)).toEqual(steps)
  }
})

test('says what was picked elsewhere, and asks again', () => {
  const steps = stepsAfter({ type: 'postback', payload: 'buy:shirt' }, tour)
  expect(steps.map(({ content }) => content.type)).toEqual(['text', 'dropdown'])
  expect(steps[0]?.content).toEqual({ type: 'text', text: 'You picked buy:shirt.' })
})
