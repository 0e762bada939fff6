import { open, readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { devNull } from 'node:os'
import { z } from 'zod'

/** Descriptors reserved for the program, its database and its files. */
const OWN = 64
/** Share of the others for callers. The rest is for webhooks, providers and files. */
const SHARE = 0.75
/** Minimum, even below that share. */
const LEAST = 16

/** Descriptors beyond those of callers that always suffice: 128 slow webhooks with 32 requests each. */
const PLENTY = 4_096

/** How long a refused connection shows in readiness. */
const SHOWN_MS = 10_000

const report = z.object({ userLimits: z.object({ open_files: z.object({ soft: z.coerce.number() }) }) })

/** Limit of open files and connections of this process; undefined if unlimited or unknown. */
export async function descriptorLimit(): Promise<number | undefined> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => undefined)
  if (limits !== undefined) return finite(Number(/^Max open files +(\d+)/m.exec(limits)?.[1]))
  return finite(report.safeParse(process.report?.getReport()).data?.userLimits.open_files.soft)
}

const finite = (number = Number.NaN): number | undefined => (Number.isFinite(number) ? number : undefined)

/** Maximum connections of callers for a descriptor limit. */
export const connectionsFor = (descriptors: number): number =>
  Math.max(LEAST, Math.floor((descriptors - OWN) * SHARE))

/** Whether this many descriptors can run out. */
export const mayRunOut = (descriptors: number): boolean =>
  descriptors - OWN - connectionsFor(descriptors) < PLENTY

/** Caps the connections of callers, so that descriptors for files remain. */
export class Connections {
  readonly #refused: () => void
  #max = Number.POSITIVE_INFINITY
  #refusedAt = Number.NEGATIVE_INFINITY

  /** `refused` is called for each refused connection. */
  constructor(refused: () => void) {
    this.#refused = refused
  }

  /** Call this before the server listens. */
  cap(server: Server, max: number): void {
    this.#max = max
    server.maxConnections = max
    server.on('drop', () => {
      this.#refusedAt = performance.now()
      this.#refused()
    })
  }

  /** Current problems with file descriptors. */
  async problems(): Promise<string[]> {
    const isFull = performance.now() - this.#refusedAt < SHOWN_MS
    const handle = await open(devNull, 'r').catch((error: NodeJS.ErrnoException) => error.code)
    if (typeof handle === 'object') await handle.close()
    return [
      ...(isFull ? [`connections are refused: the limit of open files allows ${this.#max}`] : []),
      ...(handle === 'EMFILE' || handle === 'ENFILE' ? ['the limit of open files is reached'] : []),
    ]
  }
}
