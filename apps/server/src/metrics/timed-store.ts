import type { Appended, Mapped, Merged, Store } from '@plugboard/hub'
import type { Metrics } from './metrics.js'

/** What calls of these methods appended to streams. No other method appends. */
const appendedBy: {
  [M in keyof Store]?: (result: Awaited<ReturnType<Store[M]>>) => readonly Appended[]
} = {
  createUser: one,
  deleteUser: one,
  mergeUsers: (merged: Merged | undefined) => one(merged?.appended),
  createConversation: one,
  deleteConversation: one,
  mapEndpoint: ({ appended }: Mapped) => appended,
  mapSender: ({ appended }: Pick<Mapped, 'appended'>) => appended,
  append: one,
}

function one(appended: Appended | undefined): readonly Appended[] {
  return appended ? [appended] : []
}

type Call = (...args: unknown[]) => unknown

/** A store that reports the duration of each call, and appended entries, to the metrics. */
export function timedStore(store: Store, metrics: Metrics): Store {
  const calls = new Map<PropertyKey, Call>()
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      const call = calls.get(name) ?? timedCall(member.bind(target) as Call, String(name), metrics)
      calls.set(name, call)
      return call
    },
  })
}

function timedCall(call: Call, name: string, metrics: Metrics): Call {
  const appended = appendedBy[name as keyof Store] as ((result: unknown) => readonly Appended[]) | undefined
  return (...args) => {
    const start = performance.now()
    const result = Promise.resolve(call(...args))
    result.then(
      (value) => {
        metrics.called(name, performance.now() - start)
        for (const { entry, duplicate } of appended?.(value) ?? [])
          if (!duplicate) metrics.appended(entry.type)
      },
      () => metrics.callFailed(name),
    )
    return result
  }
}
