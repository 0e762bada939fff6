import type { Dead, Entry } from '../../log/entry.js'
import type { LaneState } from '../../log/progress.js'
import { type LaneKey, parseLaneKey, type Target } from '../../log/target.js'
import type { TargetConfig } from '../targets/target-config.js'
import type { DeliveryFailure } from '../transport.js'

/**
 * Maximum entries of one lane under way, and of one read. Enough that the transport has work while the main thread
 * prepares the next half; few enough that one lane takes a small part of a gate (1024 by default).
 */
export const MAX_UNDERWAY = 64

/** An entry that a gate has admitted: it is being rendered, or the transport has it. */
export interface Underway {
  readonly entry: Entry
  readonly gate: string
  /** It tests whether a paused target works again. */
  readonly isProbe: boolean
}

/**
 * What a lane is doing:
 * - `ready`: no step in progress: waits for reports of the transport, for room, or for a time;
 * - `resolving`: the configuration of its target is being read;
 * - `taking`: its next entries are being read, and admitted at the gate of its target;
 * - `retiring`: entries are being read to bury them, because the target was removed;
 * - `rendering`: the entries that were admitted last are being converted to the target's format;
 * - `draining`: a cancel is under way: nothing is sent until the transport confirms it;
 * - `settling`: the outcome of a failed delivery is being stored.
 */
export type LaneStep = 'ready' | 'resolving' | 'taking' | 'retiring' | 'rendering' | 'draining' | 'settling'

/** One target in one stream, while there is something to deliver to it. */
export interface Lane {
  readonly key: LaneKey
  readonly target: Target
  /** The one entry of a replay. */
  readonly only: number | undefined

  // Stored, see LaneState.
  readonly done: number
  readonly attempt: number
  readonly part: number
  readonly blockedUntil: Date | undefined
  readonly since: Date | undefined
  readonly error: string | undefined
  /** It differs from what the store has. */
  readonly isDirty: boolean

  /**
   * The last number considered for sending. Each entry after `done` up to it is either under way or not for this target.
   */
  readonly taken: number
  readonly step: LaneStep
  /** Rises with each step: the result of an older one is ignored. */
  readonly stepId: number
  /** Rises when the lane is rewound: reports about pushes of an older generation are ignored. */
  readonly generation: number
  /** In order. */
  readonly underway: readonly Underway[]
  /** How many of them the transport has. */
  readonly sent: number
  /** The end of the lease that the transport knows, in milliseconds of the monotonic clock. */
  readonly sentUntil: number
  /** The entry under way that cannot be rendered; nothing after it is sent before it has failed. */
  readonly unrendered: { readonly seq: number; readonly failure: DeliveryFailure } | undefined
  /** How the entries under way are sent. */
  readonly config: TargetConfig | undefined
  /** Its place in the queue of a full gate. */
  readonly queue: 'none' | 'waiting' | 'called'
  /** Takes no more entries until one of those under way is delivered: it has enough, or others wait at the gate. */
  readonly isFull: boolean
  /** Nothing is sent before this time, for a reason that is not stored. */
  readonly heldUntil: Date | undefined
  /** What is being stored while it is settling. */
  readonly settlement: Settlement | undefined
}

/** An entry that will not be delivered to the target of its lane, and why. */
interface Death extends Readonly<Omit<Dead, 'at' | 'error' | 'code'>> {
  readonly entry: Entry
  readonly error: string | undefined
  /** The provider's code of the error. */
  readonly code?: string | undefined
}

/** What is stored before a lane passes an entry that will not be delivered, or waits for new credentials. */
export type Settlement =
  | {
      do: 'bury'
      deaths: readonly Death[]
      /** `done` of the lane once the deaths are stored. */
      upTo: number
    }
  | { do: 'refuse'; config: TargetConfig; reason: string }

export function openLane(key: LaneKey, state: LaneState, isStored: boolean): Lane {
  const { target, only } = parseLaneKey(key)
  // Written out, since it is copied often: an object that is spread together is copied slowly.
  return {
    key,
    target,
    only,
    done: state.done,
    attempt: state.attempt ?? 0,
    part: state.part ?? 0,
    blockedUntil: state.blockedUntil,
    since: state.since,
    error: state.error,
    isDirty: !isStored,
    taken: state.done,
    step: 'ready',
    stepId: 0,
    generation: 0,
    underway: [],
    sent: 0,
    sentUntil: 0,
    unrendered: undefined,
    config: undefined,
    queue: 'none',
    isFull: false,
    heldUntil: undefined,
    settlement: undefined,
  }
}

/** The part of a lane that is stored. */
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

/** The last number that concerns a lane, if recipients were read up to `scanned`. */
export const endOf = ({ only }: Lane, scanned: number): number => only ?? scanned

/** Nothing is sent before this time. Undefined: it may be sent now. */
export function readyAt({ blockedUntil, heldUntil }: Lane): Date | undefined {
  if (!blockedUntil || !heldUntil) return blockedUntil ?? heldUntil
  return blockedUntil > heldUntil ? blockedUntil : heldUntil
}

/** Whether an event is expected: a report, the result of a step, or a call by the gate. */
export const isActive = ({ underway, step, queue }: Lane): boolean =>
  underway.length > 0 || step !== 'ready' || queue !== 'none'

/** Size of an entry at a gate, in UTF-16 units. */
export const sizeOf = ({ payload, details = '' }: Entry): number => payload.length + details.length
