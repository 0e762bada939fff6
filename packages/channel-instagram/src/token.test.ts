import { describe, expect, test } from 'vitest'
import { config, endpoint, stage } from '../test/stage.js'

const DAY_MS = 86_400_000
const daysUntil = (date: Date | undefined): number => ((date?.getTime() ?? 0) - Date.now()) / DAY_MS

describe('the token', () => {
  test('is renewed, kept in the state, and used from then on', async () => {
    await using staged = await stage()
    const { runtime, context, provider, state } = staged
    const again = (await runtime.refresh?.(context()))?.again
    expect(daysUntil(again)).toBeCloseTo(30, 1)
    expect((await state.read())?.value).toEqual({ token: `${config.accessToken}-1` })
    await staged.send({ type: 'text', text: 'Hello' })
    expect(provider.calls.at(-1)?.headers.authorization).toBe(`Bearer ${config.accessToken}-1`)
  })

  test('is renewed from the renewed one', async () => {
    await using staged = await stage()
    await staged.runtime.refresh?.(staged.context())
    await staged.runtime.refresh?.(staged.context())
    expect((await staged.state.read())?.value).toEqual({ token: `${config.accessToken}-2` })
  })

  test('that is too young is renewed a day later', async () => {
    await using staged = await stage({ youngTokens: [config.accessToken] })
    const again = (await staged.runtime.refresh?.(staged.context()))?.again
    expect(daysUntil(again)).toBeCloseTo(25 / 24, 2)
    expect(await staged.state.read()).toBeUndefined()
    await staged.send({ type: 'text', text: 'Hello' })
    expect(staged.provider.shown).toHaveLength(1)
  })

  test('that is dead is reported as such', async () => {
    await using staged = await stage({ config: { accessToken: 'IGAAdead' } })
    const error = await staged.runtime.refresh?.(staged.context()).catch((error: unknown) => error)
    expect(staged.runtime.classify(error)).toMatchObject({ kind: 'auth', field: 'accessToken' })
  })

  test('that another process renewed meanwhile is read again, and the message is sent once', async () => {
    await using staged = await stage({ endsRenewed: true })
    const { runtime, context, provider, state } = staged
    await runtime.refresh?.(context())
    // As a cache that is some seconds old.
    const old = {
      ...state,
      read: async (how?: { isFresh: boolean }) => (how?.isFresh ? state.read(how) : undefined),
    }
    await staged.send({ type: 'text', text: 'Hello' }, { state: old })
    expect(provider.shown.map(({ to, message }) => [to, message.text])).toEqual([[endpoint.sender, 'Hello']])
    const tokens = provider.calls.slice(-2).map(({ headers }) => headers.authorization)
    expect(tokens).toEqual([`Bearer ${config.accessToken}`, `Bearer ${config.accessToken}-1`])
  })
})
