#!/usr/bin/env node
import { relative } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { ScaffoldError, type Scaffolded, scaffold } from './scaffold.js'

const usage = `Makes a package with a channel for Plugboard.

  npm create plugboard-channel@latest <folder> [-- --name <channel>] [--package <npm package>]

The channel is named after the folder, and the package plugboard-channel-<channel>.`

async function main(): Promise<void> {
  const { values, positionals } = argumentsOf()
  if (values.help) return console.log(usage)
  if (positionals.length > 1) throw new ScaffoldError(`one folder at a time\n\n${usage}`)
  const folder = positionals[0] ?? values.name ?? (await ask())
  console.log(nextSteps(await scaffold({ folder, name: values.name, packageName: values.package })))
}

function argumentsOf() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        name: { type: 'string' },
        package: { type: 'string' },
      },
    })
  } catch (error) {
    throw new ScaffoldError(`${(error as Error).message}\n\n${usage}`)
  }
}

/** Prompts only in a terminal; a script gets an error. */
async function ask(): Promise<string> {
  if (!process.stdin.isTTY) throw new ScaffoldError(`which folder?\n\n${usage}`)
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    const answer = (await terminal.question('Name of the channel, such as acme-chat: ')).trim()
    if (answer === '') throw new ScaffoldError('a channel needs a name')
    return answer
  } finally {
    terminal.close()
  }
}

const nextSteps = ({
  folder,
  name,
  packageName,
}: Scaffolded): string => `Made the channel ${name} in ${folder}

  cd ${relative(process.cwd(), folder) || '.'}
  npm install
  npm test

It talks to a provider that does not exist. Make it yours, file by file:
everything in src, test/fake-${name}.ts, and what src/fixtures records.
Then an operator installs ${packageName} next to the server and names it in PLUGBOARD_CHANNELS.`

main().catch((error: unknown) => {
  console.error(error instanceof ScaffoldError ? `create-plugboard-channel: ${error.message}` : error)
  process.exitCode = 1
})
