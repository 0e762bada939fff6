import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const PROGRAM = fileURLToPath(new URL('./import.program.js', import.meta.url))

/** What an import took. */
export interface Imported {
  ms: number
  heapBytes: number
}

/** Imports packages in a new process that has loaded what every server has, and these others. */
export async function importInto(others: readonly string[], names: readonly string[]): Promise<Imported> {
  const args = ['--expose-gc', PROGRAM, ...names, '--', ...others]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 })
  return JSON.parse(stdout) as Imported
}
