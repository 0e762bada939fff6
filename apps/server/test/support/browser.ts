import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'

const CHROMIUM = '/usr/bin/chromium'

/** Where Chromium and Chrome are, by preference: the one without windows takes half the processor time. */
const PLACES = [
  '/usr/bin/chromium-headless-shell',
  CHROMIUM,
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** A host name that only the browser resolves, to this machine. It is no loopback name. */
export const HOST = 'plugboard.example'

/** How long the installation of Chromium may take, in milliseconds. */
export const INSTALL_MS = 300_000

/** The Chromium of this machine; where there is none, Debian's is installed. @throws that says what to install */
export async function startBrowser(): Promise<Browser> {
  const found = PLACES.find((path) => existsSync(path))
  if (found === undefined) await install()
  return chromium.launch({
    executablePath: found ?? CHROMIUM,
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
  const apt = (...args: string[]) => {
    const isRoot = process.getuid?.() === 0
    const [command = '', ...rest] = [...(isRoot ? [] : ['sudo', '--non-interactive']), 'apt-get', ...args]
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    return run(command, rest, { env, maxBuffer: 2 ** 24 })
  }
  try {
    await apt('update', '-qq')
    await apt('install', '--yes', '--quiet', '--no-install-recommends', 'chromium')
  } catch (cause) {
    throw new Error(`there is no Chromium: install one at ${PLACES.join(' or ')}`, { cause })
  }
}
