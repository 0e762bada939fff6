import type { Dead, Entry } from '../log/entry.js'
import type { LaneState } from '../log/progress.js'
import { type LaneKey, parseLaneKey, type Target } from '../log/target.js'
import type { TargetConfig } from './target-config.js'
import type { DeliveryFailure } from './transport.js'

/** Most entries of one lane with the transport: enough that it never waits for the main thread. */
export const WINDOW = 64

/** An entry that a gate has admitted: it is being rendered, or the transport has it. */
export interface Underway {
  readonly entry: Entry
  readonly gate: string
  /** It tests whether a target works again that was left alone. */
  readonly isProbe: boolean
}

/**
 * What a lane is doing:
 * - `ready`: nothing but waiting for reports on what is under way, or for its time;
 * - `resolving`: the configuration of its target is being looked up;
 * - `reading`: entries are being read from the store;
 * - `retiring`: so are they, since its target is gone;
 * - `rendering`: the entries that were admitted last are being put in the target's form;
 * - `draining`: a cancel is under way: nothing goes out until the transport has confirmed it;
 * - `settling`: what became of a failed delivery is being written down.
 */
export type LaneStep = 'ready' | 'resolving' | 'reading' | 'retiring' | 'rendering' | 'draining' | 'settling'

/** One target in one stream, while there is something to deliver to it. */
export interface Lane {
  readonly key: LaneKey
  readonly target: Target
  /** The one entry that a replay is about. */
  readonly only: number | undefined

  // What the store keeps, see LaneState.
  readonly done: number
  readonly attempt: number
  readonly part: number
  readonly blockedUntil: Date | undefined
  readonly since: Date | undefined
  readonly error: string | undefined
  /** It differs from what the store has. */
  readonly isDirty: boolean

  /** The last number looked at for sending; those between `done` and it are under way or not for this target. */
  readonly taken: number
  readonly step: LaneStep
  /** Rises with each step: the result of an older one is ignored. */
  readonly stepId: number
  /** Rises when what was handed to the transport is void: reports of an older one are ignored. */
  readonly generation: number
  /** In order. */
  readonly underway: readonly Underway[]
  /** How many of them the transport has. */
  readonly sent: number
  /** The end of the lease that the transport knows, in milliseconds of the monotonic clock. */
  readonly sentUntil: number
  /** The entry under way that cannot be rendered; nothing after it goes out. */
  readonly unrendered: { readonly seq: number; readonly failure: DeliveryFailure } | undefined
  /** How the entries under way go out. */
  readonly config: TargetConfig | undefined
  /** Its place in the queue of a full gate. */
  readonly queue: 'none' | 'waiting' | 'called'
  /** It has taken what it may until something of it arrives. */
  readonly isFull: boolean
  /** Nothing goes out before this time, for a reason that the store need not know. */
  readonly heldUntil: Date | undefined
  /** What is to be written down while it is settling. */
  readonly settlement: Settlement | undefined
}

/** An entry that will not be delivered to the target of its lane, and why. */
interface Death {
  readonly entry: Entry
  readonly reason: Dead['reason']
  readonly label: string
  readonly attempts: number
  readonly error: string | undefined
}

/** What has to be done before a lane passes an entry that will not be delivered. */
export type Settlement =
  | {
      do: 'bury'
      deaths: readonly Death[]
      /** The lane is there when they are written down. */
      upTo: number
    }
  | { do: 'refuse'; config: TargetConfig; reason: string }

export function openLane(key: LaneKey, state: LaneState, isStored: boolean): Lane {
  const { target, only } = parseLaneKey(key)
  const { done, attempt = 0, part = 0, blockedUntil, since, error } = state
  return {
    ...{ key, target, only, done, attempt, part, blockedUntil, since, error },
    ...{ isDirty: !isStored, taken: done, step: 'ready', stepId: 0, generation: 0 },
    ...{ underway: [], sent: 0, sentUntil: 0, unrendered: undefined, config: undefined },
    ...{ queue: 'none', isFull: false, heldUntil: undefined, settlement: undefined },
  }
}

/** What the store is to know of a lane. */
export function stateOf({ done, attempt, part, blockedUntil, since, error }: Lane): LaneState {
  return {
    done,
    ...(attempt > 0 && { attempt }),
    ...(part > 0 && { part }),
    ...(blockedUntil && { blockedUntil }),
    ...(since && { since }),
    ...(error !== undefined && { error }),
  }
}

/** Whether an entry is to be delivered in this lane. */
export function isFor({ only, target }: Lane, entry: Entry): boolean {
  if (only !== undefined) return entry.seq === only && !entry.deletedAt
  return entry.type !== 'void' && !entry.deletedAt && entry.owes.includes(target) && !entry.dead?.[target]
}

/** The last number that concerns a lane, when the stream has been looked at up to `scanned`. */
export const endOf = ({ only }: Lane, scanned: number): number => only ?? scanned

/** Nothing goes out before this time; undefined when it may now. */
export function readyAt({ blockedUntil, heldUntil }: Lane): Date | undefined {
  if (!blockedUntil || !heldUntil) return blockedUntil ?? heldUntil
  return blockedUntil > heldUntil ? blockedUntil : heldUntil
}

/** Whether something of it is going on that ends with an event. */
export const isActive = ({ underway, step, queue }: Lane): boolean =>
  underway.length > 0 || step !== 'ready' || queue !== 'none'

/** What an entry weighs at a gate, in UTF-16 units. */
export const sizeOf = ({ payload, details = '' }: Entry): number => payload.length + details.length
