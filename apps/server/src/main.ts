#!/usr/bin/env node
// Without static imports: an old Node.js may be unable to load the program, and could not say why.
const OLDEST = [20, 19] as const
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  console.error(
    `plugboard: Node.js ${process.versions.node} is too old: install Node.js ${OLDEST.join('.')} or newer`,
  )
  process.exitCode = 1
} else {
  const { run } = await import('./command-line/program.js')
  // A closed output pipe is no reason to stop.
  process.stdout.on('error', () => undefined)
  const code = await run(process.argv.slice(2))
  if (code !== 0) process.exit(code)
}

export {}
