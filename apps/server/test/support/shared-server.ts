import { appendFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {} from '@plugboard/test-mongodb/global-setup'
import type { TestProject } from 'vitest/node'
import { launch } from './server-process.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The server of all files that need no setting of their own, and the file with what it printed. */
    sharedServer: { url: string; log: string }
  }
}

/** One server for a whole run of vitest. Each test makes its own clients there. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'plugboard-shared-'))
  const log = join(folder, 'output')
  writeFileSync(log, '')
  const { mongodbUrl } = project.getProvidedContext()
  // Whether a caller guesses too often is tested elsewhere; here all callers have one address.
  const { child, exited, listens } = launch({ folder, mongodbUrl, env: { RATE_LIMIT: '0' } })
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => appendFileSync(log, chunk))
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const stop = async () => {
    process.removeListener('exit', kill)
    kill()
    await exited
    await rm(folder, { recursive: true, force: true })
  }
  try {
    project.provide('sharedServer', { url: await listens, log })
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}
