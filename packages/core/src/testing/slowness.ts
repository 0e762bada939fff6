/**
 * How many times as long as on an idle machine a fixed work takes now: at least 1. A measured time divided by it tells a
 * slow program from a busy machine. A virtual machine whose host is busy counts the time it waits as used, so that neither
 * the clock nor the processor time leaves it out. Takes about 100 ms of this thread.
 */
export function slowness(): number {
  const runs = [1, 2, 3].map(() => timed(() => JSON.stringify(JSON.parse(fixedWork()))))
  return Math.max(1, Math.min(...runs) / FIXED_WORK_MS)
}

/** On two virtual processors of 2.5 GHz, warm. In milliseconds. */
const FIXED_WORK_MS = 25

let work: string | undefined
/** 3.5 MB of JSON: to read and write it takes memory and the collector, as programs do. */
function fixedWork(): string {
  const words = 'The quick brown fox jumps over the lazy dog.'
  work ??= JSON.stringify(
    Array.from({ length: 36_000 }, (_, i) => ({ id: `message-${i}`, words, tags: [i, 'a'] })),
  )
  return work
}

/** How long a function holds the thread, in milliseconds. */
export function timed(run: () => void): number {
  const [cpu, started] = [process.cpuUsage(), performance.now()]
  run()
  const { user, system } = process.cpuUsage(cpu)
  // Where others have the processor, the clock goes on; where this process has other threads, the usage does.
  return Math.min(performance.now() - started, (user + system) / 1000)
}
