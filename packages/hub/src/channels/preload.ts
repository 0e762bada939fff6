import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@plugboard/core'
import type { Store } from '../ports/store.js'
import type { Channels } from './channels.js'

export interface PreloadOptions {
  store: Store
  channels: Channels
  log: Logger
}

/** Pause before each channel, because loading blocks the event loop. */
const REST_MS = 250

/**
 * Preloads the channels that were used before, after the start. A provider's SDK takes some tenths of a second to load,
 * which would delay the first message. Unused channels are not loaded.
 */
export class Preload {
  readonly #options: PreloadOptions
  readonly #controller = new AbortController()

  constructor(options: PreloadOptions) {
    this.#options = options
  }

  /** Records that a channel was used, so that the next start preloads it. */
  used(channel: string): void {
    const { store, log } = this.#options
    store.putMetaIfAbsent(keyOf(channel), 'used').catch((err) => {
      if (!this.#controller.signal.aborted) log.debug({ err, channel }, 'cannot record channel use')
    })
  }

  start(): void {
    this.#run(this.#controller.signal).catch((err) => {
      if (!this.#controller.signal.aborted) this.#options.log.debug({ err }, 'cannot preload channels')
    })
  }

  stop(): void {
    this.#controller.abort()
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { store, channels, log } = this.#options
    for (const name of channels.names) {
      await sleep(REST_MS, undefined, { signal, ref: false })
      if ((await store.getMeta(keyOf(name))) === undefined) continue
      await channels.runtime(name).catch((err) => log.debug({ err, channel: name }, 'cannot preload channel'))
    }
  }
}

const keyOf = (channel: string): string => `channel:${channel}`
