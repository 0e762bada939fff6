/** Loaded into a server beside its own code: looks at its memory and its time from inside, when asked. */
import { answerQuestions } from './questions.js'

export interface Memory {
  residentBytes: number
  heapBytes: number
  /** Buffers and similar memory, including that reported by SQLite. */
  externalBytes: number
}

let stopProfiler: (() => Promise<unknown>) | undefined

answerQuestions({ memory, startProfile, stopProfile: () => stopProfiler?.() })

async function memory(): Promise<Memory> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([
    import('node:v8'),
    import('node:vm'),
  ])
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { residentBytes: rss, heapBytes: heapUsed, externalBytes: external }
}

async function startProfile(): Promise<void> {
  const { Session } = await import('node:inspector/promises')
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 200 })
  await session.post('Profiler.start')
  stopProfiler = async () => {
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    return profile
  }
}
