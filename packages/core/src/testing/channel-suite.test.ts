import { describe, expect, test } from 'vitest'
import { broken } from '../../test/broken-channels.js'
import { fixtures, suiteOf } from '../../test/sound-channel.js'

describe('a sound channel', () => {
  for (const { name, run, skip } of suiteOf()) test(name, (context) => (skip ? context.skip(skip) : run()))
})

describe('a channel that breaks the rule fails the case', () => {
  const names = suiteOf().map(({ name }) => name)

  test('for each case there is a broken channel', () => {
    expect(Object.keys(broken).sort()).toEqual([...names].sort())
  })

  test.each(
    Object.entries(broken).flatMap(([name, changes]) =>
      changes.map((change, i) => [name, i, change] as const),
    ),
  )('%s (%i)', async (name, _, change) => {
    const found = suiteOf(change).find((each) => each.name === name)
    await expect(found?.run()).rejects.toThrow()
  })
})

test('a case that fails for a content names it', async () => {
  const cases = suiteOf({
    runtime: (sound) => ({
      async deliver(part, context) {
        if (JSON.stringify(part).includes('http://')) throw new Error('https only')
        return sound.deliver(part, context)
      },
    }),
  })
  const found = cases.find(({ name }) => name.startsWith('deliver shows each part once'))
  await expect(found?.run()).rejects.toThrow(
    'https only\nfor {"type":"image","image":"http://media.example/picture.png"',
  )
})

describe('a skip', () => {
  const [first] = suiteOf()
  const name = first?.name ?? ''

  test('has its reason in the case', () => {
    expect(suiteOf({ fixtures: { skip: { [name]: 'not here' } } })[0]).toMatchObject({
      name,
      skip: 'not here',
    })
  })

  test('is made for a provider that takes no idempotency key', () => {
    const { idempotencyKey: _, ...provider } = fixtures.provider
    const skipped = suiteOf({ fixtures: { provider } }).filter(({ skip }) => skip)
    expect(skipped.map(({ skip }) => skip)).toEqual([
      'the provider answers a repeated key as the first call',
      'the provider takes no idempotency key',
    ])
  })

  test('without a reason, or of an unknown case, is refused', () => {
    expect(() => suiteOf({ fixtures: { skip: { [name]: ' ' } } })).toThrow('needs a reason')
    expect(() => suiteOf({ fixtures: { skip: { 'no such case': 'x' } } })).toThrow('not a case')
  })
})
