import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Disk full, quota exceeded, or maximum file size reached. */
const CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG']

/** Whether something failed because the disk is full. */
export const isFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && CODES.includes(error.code)

/** Free space below which a disk counts as full. */
const PROBE = Buffer.alloc(1_048_576)

/** How long a result is cached, because anyone can request it. */
const AGE_MS = 5_000

/** A folder that the server writes to, and its disk. */
export class Disk {
  readonly #folder: string
  readonly #holds: string
  #look: { at: number; problems: Promise<string[]> } | undefined

  /** `holds`: what for, in words. */
  constructor(folder: string, holds: string) {
    this.#folder = folder
    this.#holds = holds
  }

  /** Problems of the disk, cached for a few seconds. */
  problems(): Promise<string[]> {
    const now = performance.now()
    if (this.#look === undefined || now - this.#look.at > AGE_MS)
      this.#look = { at: now, problems: this.#probe() }
    return this.#look.problems
  }

  async #probe(): Promise<string[]> {
    const file = join(this.#folder, `.probe-${randomUUID()}`)
    try {
      await writeFile(file, PROBE, { mode: 0o600, flag: 'wx' })
      return []
    } catch (error) {
      return [isFull(error) ? `the disk for ${this.#holds} is full` : `cannot write ${this.#holds}`]
    } finally {
      await rm(file, { force: true }).catch(() => undefined)
    }
  }
}
