import { vi } from 'vitest'

// What is waited for comes late on a busy machine. Vitest has a setting for this of `expect.poll`, and none of `vi.waitFor`,
// which gives up after one second. A worker that keeps its modules runs this for each file.
const TIMEOUT_MS = 10_000

const { waitFor } = vi
if (waitFor.name !== 'patientWaitFor') {
  vi.waitFor = function patientWaitFor(callback, options) {
    return waitFor(callback, typeof options === 'number' ? options : { timeout: TIMEOUT_MS, ...options })
  }
}
