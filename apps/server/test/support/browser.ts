import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'

const CHROMIUM = '/usr/bin/chromium'

/** A host name that only the browser resolves, to this machine. It is no loopback name. */
export const HOST = 'plugboard.example'

/** How long the installation of Chromium may take, in milliseconds. */
export const INSTALL_MS = 300_000

/** Debian's Chromium, which is installed at first use. @throws that says what to install */
export async function startBrowser(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) await install()
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      `--host-resolver-rules=MAP ${HOST} 127.0.0.1`,
    ],
  })
}

async function install(): Promise<void> {
  console.log('Installing Chromium for the tests (once) …')
  const run = promisify(execFile)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await run('apt-get', ['update', '-qq'], { env })
    const options = ['install', '--yes', '--quiet', '--no-install-recommends', 'chromium']
    await run('apt-get', options, { env, maxBuffer: 2 ** 24 })
  } catch (cause) {
    throw new Error(`cannot install Chromium: run \`apt-get install chromium\` (${CHROMIUM}) as root`, {
      cause,
    })
  }
}
