// Keeps `repository`, `homepage` and `bugs` of every package as the root package.json defines them.
// Without an argument it checks; `--write` corrects.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'

const root = new URL('../', import.meta.url)
const manifestOf = (folder) => new URL(`${folder}/package.json`, root)
const common = JSON.parse(readFileSync(manifestOf('.'), 'utf8'))

const folders = [
  ...['packages', 'apps', 'examples'].flatMap((group) =>
    readdirSync(new URL(group, root)).map((name) => `${group}/${name}`),
  ),
  'bench',
].filter((folder) => existsSync(manifestOf(folder)))

const metadataOf = (folder) => ({
  homepage: `${common.homepage}/tree/main/${folder}#readme`,
  bugs: common.bugs,
  repository: { ...common.repository, directory: folder },
})

/** The text of a manifest with its metadata, behind the licence. */
function corrected(text, metadata) {
  const { homepage: _, bugs: __, repository: ___, ...manifest } = JSON.parse(text)
  const entries = Object.entries(manifest)
  const place = entries.findIndex(([key]) => key === 'license') + 1
  return `${JSON.stringify(Object.fromEntries(entries.toSpliced(place, 0, ...Object.entries(metadata))), null, 2)}\n`
}

const isWriting = process.argv.includes('--write')
const stale = folders.filter((folder) => {
  const before = readFileSync(manifestOf(folder), 'utf8')
  const after = corrected(before, metadataOf(folder))
  if (after === before) return false
  if (isWriting) writeFileSync(manifestOf(folder), after)
  return true
})

if (stale.length > 0 && !isWriting) {
  console.error(`repository, homepage or bugs differ from the root package.json in: ${stale.join(', ')}`)
  console.error('`pnpm fix` corrects them.')
  process.exitCode = 1
}
