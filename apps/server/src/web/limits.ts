import type { Id } from '@plugboard/core'
import { PlugboardError } from '@plugboard/core'
import { GuestLimits } from '../dialects/guest-limits.js'
import { FailureLimit } from '../http/passwords/failure-limit.js'
import { networkOf } from '../http/trusted-proxies.js'

export interface VisitorLimitsSettings {
  /** New guests of one address in a minute; 0: any number. */
  webGuestLimit: number
  /** New guests of one client in a minute; 0: any number. */
  webClientGuestLimit: number
  /** Messages of one visitor in a minute; 0: any number. */
  guestMessageLimit: number
  /** Bytes of the messages of one visitor in a day; 0: any number. */
  guestDailySize: number
  /** Bytes of the files of one visitor in a day; 0: any number. */
  webUploadDailySize: number
}

/** Signals of each kind of one visitor in a minute. */
const SIGNALS_PER_MINUTE = 60

/** What is no message: that the visitor writes, has read, or likes a message. */
const signals = { typing: 'typing signals', read: 'read marks', feedback: 'ratings' } as const

export type Signal = keyof typeof signals

/** Files of one visitor in a minute. */
const UPLOADS_PER_MINUTE = 20

/**
 * How much strangers may do. Each process counts for itself, and begins anew when it starts: so several replicas let
 * through as many times as much.
 */
export class VisitorLimits {
  // Not of failures, but the same count.
  readonly #guestsByAddress: FailureLimit
  readonly #guestsByClient: FailureLimit
  readonly #messages: GuestLimits
  readonly #signals = {
    typing: signalLimits('typing'),
    read: signalLimits('read'),
    feedback: signalLimits('feedback'),
  }
  readonly #uploads: GuestLimits

  constructor(settings: VisitorLimitsSettings) {
    this.#guestsByAddress = new FailureLimit({ perMinute: settings.webGuestLimit })
    this.#guestsByClient = new FailureLimit({ perMinute: settings.webClientGuestLimit })
    this.#messages = new GuestLimits({
      messagesPerMinute: settings.guestMessageLimit,
      bytesPerDay: settings.guestDailySize,
    })
    this.#uploads = new GuestLimits({
      messagesPerMinute: UPLOADS_PER_MINUTE,
      bytesPerDay: settings.webUploadDailySize,
      things: 'files',
    })
  }

  /** Counts a new guest. @throws RATE_LIMITED, and counts nothing then */
  admitGuest(ip: string, clientId: Id): void {
    const network = `${clientId} ${networkOf(ip)}`
    const waits = [this.#guestsByAddress.waitMs(network), this.#guestsByClient.waitMs(clientId)]
    const retryAfterMs = Math.max(...waits)
    if (retryAfterMs > 0)
      throw new PlugboardError('RATE_LIMITED', 'Too many new visitors. Try again later.', { retryAfterMs })
    this.#guestsByAddress.failed(network)
    this.#guestsByClient.failed(clientId)
  }

  /** Counts a message, or the start of a conversation, which has no bytes. @throws RATE_LIMITED */
  admitMessage(userId: Id, bytes: number): void {
    this.#messages.admit(userId, bytes)
  }

  /** Counts a signal, each kind alone: who reads much may still type. @throws RATE_LIMITED */
  admitSignal(userId: Id, signal: Signal): void {
    this.#signals[signal].admit(userId, 0)
  }

  /** Counts a file, whose size may not be known yet. @throws RATE_LIMITED */
  admitUpload(userId: Id, bytes: number): void {
    this.#uploads.admit(userId, bytes)
  }

  /** Counts the rest of a file that was larger than it was known to be. */
  spendUpload(userId: Id, bytes: number): void {
    this.#uploads.spend(userId, bytes)
  }
}

const signalLimits = (signal: Signal): GuestLimits =>
  new GuestLimits({ messagesPerMinute: SIGNALS_PER_MINUTE, bytesPerDay: 0, things: signals[signal] })
