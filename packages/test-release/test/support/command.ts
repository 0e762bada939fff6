import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Longest time for one command, on a machine that has other things to do. */
const TIMEOUT_MS = 180_000

/** Of a runner around us, and not of the machine: what they mean here would not hold in another project. */
const foreign =
  /^(NODE_ENV|NODE_OPTIONS|VITEST.*|TEST|INIT_CWD|npm_(lifecycle|package|command|node|execpath).*)$/i

/** The environment of a person at this machine, its registry settings included. */
export const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !foreign.test(name)),
)

/** Runs a command to its end and gives what it printed. @throws with all that it printed when it fails */
export async function run(
  cwd: string,
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const options = { cwd, env: { ...environment, ...env }, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 }
  try {
    return (await promisify(execFile)(command, args, options)).stdout
  } catch (error) {
    const { stdout, stderr, message } = error as Error & { stdout: string; stderr: string }
    throw new Error(`${command} ${args.join(' ')}: ${message}\n${stdout}\n${stderr}`)
  }
}

/** The newest pnpm 12, as everything here runs it. */
export const pnpm = (cwd: string, ...args: string[]): Promise<string> =>
  run(cwd, 'npx', ['-y', 'pnpm@12', ...args])
