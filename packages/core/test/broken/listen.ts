import type { Heard } from '../../src/channel.js'
import type { Change } from '../sound-channel.js'

type Listen = NonNullable<ReturnType<NonNullable<Change['runtime']>>['listen']>

/** Changes what the sound channel yields. */
const yielding = (change: (heard: Heard) => Heard): Change => ({
  runtime: ({ listen }) => ({
    async *listen(context) {
      for await (const heard of listen?.(context) ?? []) yield change(heard)
    },
  }),
})

/** Passes another context to the sound channel. */
const hearing = (change: (context: Parameters<Listen>[0]) => object): Change => ({
  runtime: ({ listen }) => ({
    listen: (context) => (listen as Listen)({ ...context, ...change(context) }),
  }),
})

/** Ways to break `listen`. */
export const listening: Record<string, Change[]> = {
  'modes are those that the channel has, with fields of its configuration': [
    { definition: { modes: { webhook: [] } } },
    { definition: { modes: { webhook: [], listen: ['appToken'] } } },
    { runtime: () => ({ listen: undefined as never }) },
  ],
  'listen yields what is written to its account, and confirms it only when it is asked for more': [
    hearing(() => ({ connected: () => undefined })),
    yielding((heard) => ({ ...heard, events: [...heard.events, ...heard.events] })),
    {
      runtime: ({ listen }) => ({
        async *listen(context) {
          // Asks for the next value before this one is stored.
          const values = (listen as Listen)(context)[Symbol.asyncIterator]()
          for (let next = values.next(); ; ) {
            const { done, value } = await next
            if (done) return
            next = values.next()
            next.catch(() => undefined)
            await new Promise((resolve) => setTimeout(resolve, 50))
            yield value
          }
        },
      }),
    },
  ],
  'listen yields what was not confirmed again with the same key, and goes on after its cursor': [
    yielding(({ events, cursor }) => ({
      events: events.map((event) => ({ ...event, dedupeKey: `${performance.now()}` })),
      cursor: cursor ?? null,
    })),
  ],
  'listen ends within a second when it is aborted': [
    hearing(() => ({ signal: new AbortController().signal })),
  ],
  'listen fails as `auth` when the credentials are refused': [
    {
      runtime: ({ listen }) => ({
        async *listen(context) {
          try {
            yield* (listen as Listen)(context)
          } catch {
            throw new Error('no')
          }
        },
      }),
    },
  ],
}
