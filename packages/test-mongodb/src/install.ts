import { access, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execute, type Program } from './process.js'

const VERSION = '0.7.0b3'
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/plugboard/', import.meta.url))

const LAUNCH = fileURLToPath(new URL('../start-secantus.py', import.meta.url))

/**
 * SecantusDB, a MongoDB-wire server from PyPI, in a virtual environment of its own: installed at first use. Several that
 * install at once do so beside each other; the first to end gives the environment its name, the others drop theirs.
 */
export async function installSecantus(): Promise<Program> {
  const folder = join(CACHE, `secantusdb-${VERSION}`)
  const program = { command: join(folder, 'bin', 'python'), args: [LAUNCH] }
  if (await exists(program.command)) return program
  console.log(`Installing SecantusDB ${VERSION} for the tests (once) …`)
  const draft = `${folder}-${process.pid}`
  await mkdir(CACHE, { recursive: true })
  try {
    await execute('python3', ['-m', 'venv', draft])
    // Python compiles what is imported; pip would compile everything.
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile']
    await execute(join(draft, 'bin', 'python'), [...pip, `SecantusDB==${VERSION}`])
    await rename(draft, folder)
  } catch (error) {
    if (!(await exists(program.command))) throw error
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return program
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
