import { appendCases } from './store-suite/append.js'
import { attemptCases } from './store-suite/attempts.js'
import { clientCases } from './store-suite/clients.js'
import { conversationListCases } from './store-suite/conversation-lists.js'
import { conversationCases } from './store-suite/conversations.js'
import { counterCases } from './store-suite/counters.js'
import { countingCases } from './store-suite/counting.js'
import { deadLetterListCases } from './store-suite/dead-letter-lists.js'
import { deadCases } from './store-suite/dead-letters.js'
import { deletionCases } from './store-suite/deletion.js'
import { detailsCases } from './store-suite/details.js'
import { documentCases } from './store-suite/documents.js'
import { dueCases } from './store-suite/due.js'
import { durabilityCases } from './store-suite/durability.js'
import { endpointRemovalCases } from './store-suite/endpoint-removal.js'
import { endpointCases } from './store-suite/endpoints.js'
import { groupCases } from './store-suite/groups.js'
import { keyCases } from './store-suite/keys.js'
import { leaseCases, leaseEndCases } from './store-suite/leases.js'
import { mergingCases } from './store-suite/merging.js'
import { messageCases } from './store-suite/messages.js'
import { metaCases } from './store-suite/meta.js'
import { modelCases } from './store-suite/model.js'
import type { OpenStore } from './store-suite/open-store.js'
import { pageSizeCases } from './store-suite/page-size.js'
import { pendingListCases } from './store-suite/pending-lists.js'
import { progressCases } from './store-suite/progress.js'
import { pullCases } from './store-suite/pull-lanes.js'
import { purgeCases } from './store-suite/purge.js'
import { queueCases } from './store-suite/queues.js'
import { replicaCases } from './store-suite/replicas.js'
import { roundTripCases } from './store-suite/round-trip.js'
import { type Cases, Scene } from './store-suite/scene.js'
import { sentCases } from './store-suite/sent.js'
import { tenantCases } from './store-suite/tenants.js'
import { userDeletionCases } from './store-suite/user-deletion.js'
import { userCases } from './store-suite/users.js'
import { wakeUpCases } from './store-suite/wake-ups.js'
import { walkCases } from './store-suite/walk.js'

/** What the suite needs to know of a store. */
export interface StoreSuite {
  /** Begins the names of the cases. */
  name: string
  /** Opens a fresh and empty store; asked once for each case. */
  create(): Promise<OpenStore>
  /**
   * Why `create` gives no `reopen`, no `another` or no `advance`, in words. The cases that need it are then left out;
   * without a reason they fail. Default: it gives all of them.
   */
  lacks?: { reopen?: string; another?: string; advance?: string }
}

/** One rule of the storage port. It may run alone, and beside others when `create` allows that. */
export interface StoreCase {
  /** `store > group > sentence`. */
  name: string
  /** Rejects when the store does not keep the rule. */
  run(): Promise<void>
}

interface Group {
  name: string
  cases: Cases
  needs?: 'reopen' | 'another' | 'advance'
}

const groups: readonly Group[] = [
  { name: 'meta', cases: metaCases },
  { name: 'clients', cases: clientCases },
  { name: 'users', cases: userCases },
  { name: 'conversations', cases: conversationCases },
  { name: 'walk', cases: walkCases },
  { name: 'groups', cases: groupCases },
  { name: 'endpoints', cases: endpointCases },
  { name: 'removal of endpoints', cases: endpointRemovalCases },
  { name: 'append', cases: appendCases },
  { name: 'messages', cases: messageCases },
  { name: 'details', cases: detailsCases },
  { name: 'page size', cases: pageSizeCases },
  { name: 'counting', cases: countingCases },
  { name: 'deletion', cases: deletionCases },
  { name: 'deletion of users', cases: userDeletionCases },
  { name: 'merging of users', cases: mergingCases },
  { name: 'due', cases: dueCases },
  { name: 'progress', cases: progressCases },
  { name: 'leases', cases: leaseCases },
  { name: 'dead deliveries', cases: deadCases },
  { name: 'attempts', cases: attemptCases },
  { name: 'what endpoints show', cases: sentCases },
  { name: 'lists of conversations', cases: conversationListCases },
  { name: 'lists of dead letters', cases: deadLetterListCases },
  { name: 'lists of pending deliveries', cases: pendingListCases },
  { name: 'documents', cases: documentCases },
  { name: 'counters', cases: counterCases },
  { name: 'queues', cases: queueCases },
  { name: 'pull lanes', cases: pullCases },
  { name: 'idempotency keys', cases: keyCases },
  { name: 'tenants apart', cases: tenantCases },
  { name: 'purge of a client', cases: purgeCases },
  { name: 'round trip', cases: roundTripCases },
  { name: 'model', cases: modelCases },
  { name: 'wake-ups', cases: wakeUpCases },
  { name: 'the end of a lease', cases: leaseEndCases, needs: 'advance' },
  { name: 'after reopening', cases: durabilityCases, needs: 'reopen' },
  { name: 'two handles', cases: replicaCases, needs: 'another' },
]

/**
 * The rules of the storage port as cases for any test runner:
 *
 * ```ts
 * for (const { name, run } of storeSuite({ name: 'sqlite', create })) test(name, run)
 * ```
 *
 * A store that passes all of them can be used by the hub. They use no timers; the longest takes some thousand calls.
 */
export function storeSuite({ name, create, lacks = {} }: StoreSuite): StoreCase[] {
  return groups
    .filter(({ needs }) => !needs || lacks[needs] === undefined)
    .flatMap((group) =>
      Object.entries(group.cases).map(([sentence, prove]) => ({
        name: `${name} > ${group.name} > ${sentence}`,
        run: () => proveOn(create, prove),
      })),
    )
}

/** Closes the store in any case; when the case fails, its failure is what is told. */
async function proveOn(create: StoreSuite['create'], prove: Cases[string]): Promise<void> {
  const open = await create()
  try {
    await prove?.(new Scene(open))
  } catch (error) {
    await open.close().catch(() => undefined)
    throw error
  }
  await open.close()
}
