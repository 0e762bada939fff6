import type { Appended, Mapped, Store } from '@plugboard/hub'
import type { Metrics } from './metrics.js'

/** Every method, and what a call of it appended to streams. */
const methods: { [M in keyof Store]: (result: Awaited<ReturnType<Store[M]>>) => readonly Appended[] } = {
  getMeta: nothing,
  putMetaIfAbsent: nothing,
  putMeta: nothing,
  replaceMeta: nothing,
  insertClient: nothing,
  findClient: nothing,
  replaceClient: nothing,
  listClients: nothing,
  purgeClient: nothing,
  claimKey: nothing,
  purgeKeys: nothing,
  createUser: one,
  findUser: nothing,
  deleteUser: one,
  createConversation: one,
  findConversation: nothing,
  listConversations: nothing,
  walkConversations: nothing,
  deleteConversation: one,
  purgeDeleted: nothing,
  mapEndpoint: ({ appended }: Mapped) => appended,
  removeEndpoint: nothing,
  append: one,
  findEntry: nothing,
  findByDedupe: nothing,
  listMessages: nothing,
  countMessages: nothing,
  sizeOfMessages: nothing,
  sizeOfActivities: nothing,
  listEntries: nothing,
  listReplies: nothing,
  endTurn: nothing,
  editMessage: nothing,
  deleteMessages: nothing,
  claimDue: nothing,
  readEntries: nothing,
  mark: nothing,
  reclaim: nothing,
  bury: nothing,
  listDead: nothing,
  replay: nothing,
  wakeClient: nothing,
  findProgress: nothing,
  backlog: nothing,
  increment: nothing,
  insertDocument: nothing,
  findDocument: nothing,
  findDocuments: nothing,
  replaceDocument: nothing,
  removeDocument: nothing,
  listDocuments: nothing,
  watch: nothing,
  close: nothing,
}

function nothing(): readonly Appended[] {
  return []
}

function one(appended: Appended | undefined): readonly Appended[] {
  return appended ? [appended] : []
}

type Call = (...args: unknown[]) => Promise<unknown>

/** A store that reports the duration of each call, and appended entries, to the metrics. */
export function timedStore(store: Store, metrics: Metrics): Store {
  const timed = Object.entries(methods).map(([name, appendedBy]): [string, Call] => {
    const call = store[name as keyof Store].bind(store) as Call
    return [name, timedCall(call, name, appendedBy as (result: unknown) => readonly Appended[], metrics)]
  })
  return Object.fromEntries(timed) as unknown as Store
}

function timedCall(
  call: Call,
  name: string,
  appendedBy: (result: unknown) => readonly Appended[],
  metrics: Metrics,
): Call {
  return (...args) => {
    const start = performance.now()
    const result = call(...args)
    result.then(
      (value) => {
        metrics.called(name, performance.now() - start)
        for (const { entry, duplicate } of appendedBy(value)) if (!duplicate) metrics.appended(entry.type)
      },
      () => metrics.callFailed(name),
    )
    return result
  }
}
