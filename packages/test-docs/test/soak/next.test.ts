import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blocksOf } from '../support/page.js'
import { signedPost } from '../support/signed-post.js'
import { freePorts, repository } from '../support/visit.js'

const token = Buffer.from('secret of a webhook').toString('base64')
const another = Buffer.from('secret of another one').toString('base64')

/** For npm, and for Next's first compilation. */
const PATIENCE_MS = 180_000

/** Outside the repository: Next takes the nearest lock file as the root of the project. */
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plugboard-next-'))
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  const packages = ['next@16', 'react@19', 'react-dom@19']
  await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', ...packages], { cwd: folder })
  // Copied, because Next follows no link out of the project.
  for (const part of ['package.json', 'dist'])
    await cp(
      join(repository, 'packages/client', part),
      join(folder, 'node_modules/@plugboard/client', part),
      {
        recursive: true,
      },
    )
}, PATIENCE_MS)
afterAll(() => rm(folder, { recursive: true, force: true }))

test('Next itself runs the recipe for its app router', { timeout: PATIENCE_MS }, async () => {
  const page = await readFile(join(repository, 'docs/receive-webhooks.md'), 'utf8')
  const route = blocksOf(page).findLast(({ language }) => language === 'js')?.text ?? ''
  await mkdir(join(folder, 'app/webhook'), { recursive: true })
  await writeFile(join(folder, 'app/webhook/route.js'), route)
  const port = (await freePorts([3000])).get(3000)
  const env = { ...process.env, WEBHOOK_TOKEN: token, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'development' }
  const args = ['node_modules/next/dist/bin/next', 'dev', '--port', String(port), '--hostname', '127.0.0.1']
  const next = spawn(process.execPath, args, { cwd: folder, env, stdio: 'ignore', detached: true })
  const ended = once(next, 'exit')
  try {
    const url = `http://127.0.0.1:${port}/webhook`
    const status = () => signedPost(url, token).catch(() => 'no answer')
    await expect.poll(status, { timeout: PATIENCE_MS, interval: 200 }).toBe(204)
    expect(await signedPost(url, another)).toBe(401)
  } finally {
    process.kill(-Number(next.pid), 'SIGKILL')
    await ended
  }
})
