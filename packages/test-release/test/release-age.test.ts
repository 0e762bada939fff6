import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repository } from './support/release.js'

const MINUTES_PER_DAY = 1_440

test('Renovate waits for a new version as long as pnpm does', async () => {
  const renovate: { minimumReleaseAge: string } = JSON.parse(
    await readFile(join(repository, '.github/renovate.json'), 'utf8'),
  )
  const workspace = await readFile(join(repository, 'pnpm-workspace.yaml'), 'utf8')
  const minutes = Number(/^minimumReleaseAge: (\d+)$/m.exec(workspace)?.[1])
  expect(renovate.minimumReleaseAge).toBe(`${minutes / MINUTES_PER_DAY} days`)
})
