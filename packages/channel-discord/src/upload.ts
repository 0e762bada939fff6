import { FailureError, fileNameIn } from '@plugboard/core'
import { MAX_FILE_BYTES } from './limits.js'

/** Files that are in memory at the same time, over all clients: 10 MB each. */
const AT_ONCE = 4
/** Of these, files of one bot, so that a slow address does not hold up the other bots. */
const OWN_AT_ONCE = 2
/** How long a download may take, in milliseconds, so that there is time left to send the address instead. */
const DOWNLOAD_MS = 10_000

export interface Upload {
  blob: Blob
  name: string
}

/** Downloads files that bots name by address, so that they can be uploaded. */
export class Uploads {
  readonly #fetch: typeof globalThis.fetch
  /** Whose files are in memory. */
  readonly #running: object[] = []
  readonly #waiting: (() => void)[] = []

  constructor(fetch: typeof globalThis.fetch) {
    this.#fetch = fetch
  }

  /**
   * Gives the file to `use`, and keeps it in memory until that ends. `owner`: whose file it is. Undefined if the file cannot be downloaded, or is
   * larger than Discord takes.
   */
  async with<T>(
    owner: object,
    url: string,
    signal: AbortSignal,
    use: (upload: Upload | undefined) => Promise<T>,
  ): Promise<T> {
    await this.#turn(owner, signal)
    try {
      const upload = await this.#download(url, signal)
      if (signal.aborted) throw tooLate()
      return await use(upload)
    } finally {
      this.#leave(owner)
    }
  }

  async #turn(owner: object, signal: AbortSignal): Promise<void> {
    while (this.#isFull(owner)) {
      if (signal.aborted) throw tooLate()
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
    if (signal.aborted) throw tooLate()
    this.#running.push(owner)
  }

  #isFull(owner: object): boolean {
    const own = this.#running.filter((each) => each === owner)
    return this.#running.length >= AT_ONCE || own.length >= OWN_AT_ONCE
  }

  /** Wakes all who wait, in order: the first may have given up, or be of a bot that must wait further. */
  #leave(owner: object): void {
    this.#running.splice(this.#running.indexOf(owner), 1)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  async #download(url: string, signal: AbortSignal): Promise<Upload | undefined> {
    try {
      const inTime = AbortSignal.any([signal, AbortSignal.timeout(DOWNLOAD_MS)])
      const response = await this.#fetch(url, { signal: inTime, redirect: 'manual' })
      const size = Number(response.headers.get('content-length') ?? 0)
      if (!response.ok || !response.body || size > MAX_FILE_BYTES) {
        await response.body?.cancel()
        return undefined
      }
      const chunks: Uint8Array<ArrayBuffer>[] = []
      let bytes = 0
      for await (const chunk of response.body) {
        bytes += chunk.length
        if (bytes > MAX_FILE_BYTES) return undefined
        chunks.push(chunk)
      }
      if (bytes === 0) return undefined
      const mime = response.headers.get('content-type') ?? 'application/octet-stream'
      return { blob: new Blob(chunks, { type: mime }), name: fileNameIn(url) ?? 'file' }
    } catch {
      // The address goes to the person as a link.
      return undefined
    }
  }
}

const tooLate = (): FailureError =>
  new FailureError({ kind: 'transient', message: 'the file was not downloaded in time' })
