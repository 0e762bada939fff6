import { parseArgs } from 'node:util'
import { isPlugboardError } from '@plugboard/core'
import { plain } from '../plain-text.js'
import { type Command, commands, isCommand, type Program } from './commands.js'

class UsageError extends Error {
  /** Whose help shows what is right. */
  readonly command: string

  constructor(message: string, command = '') {
    super(message)
    this.command = command
  }
}

/** Runs the command that the arguments name. Returns the exit code; an error has been printed. */
export async function run(args: readonly string[]): Promise<0 | 1> {
  try {
    const { name, rest } = commandOf(args)
    const { values, positionals } = parsed(name, commands[name], rest)
    if (values.help === true) await program.help(name)
    else await commands[name].run(positionals, values, program)
    return 0
  } catch (error) {
    report(error)
    return 1
  }
}

const program: Program = {
  fail(error) {
    report(error)
    process.exit(1)
  },
  help: async (name) => console.log((await import('./help.js')).helpText(name)),
}

/** The command is the longest one that the first words name. */
function commandOf(args: readonly string[]): { name: keyof typeof commands; rest: string[] } {
  if (args[0] === '--help' || args[0] === '-h') return { name: 'help', rest: args.slice(1) }
  if (args[0] === '--version' || args[0] === '-v') return { name: 'version', rest: args.slice(1) }
  const end = args.findIndex((arg) => arg.startsWith('-'))
  const words = end === -1 ? args : args.slice(0, end)
  if (words.length === 0) return { name: 'start', rest: [...args] }
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(' ')
    if (words.length >= count && isCommand(name)) return { name, rest: args.slice(count) }
  }
  const [group = ''] = words
  const children = Object.keys(commands).filter((name) => name.startsWith(`${group} `))
  if (children.length === 0) throw new UsageError(`unknown command "${words.join(' ')}"`)
  if (args[words.length] === '--help' || args[words.length] === '-h') return { name: 'help', rest: [group] }
  throw new UsageError(`"${words.join(' ')}" is not a command; there are ${children.join(', ')}`, group)
}

function parsed(name: string, { operands = [], options = {}, takesMore }: Command, args: string[]) {
  try {
    const help = { type: 'boolean', short: 'h' } as const
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { ...options, help } })
    const [extra] = positionals.slice(operands.length)
    if (extra !== undefined && !takesMore) throw new UsageError(`unknown command "${name} ${extra}"`, name)
    const missing = operands[positionals.length]
    if (missing !== undefined && !values.help && !takesMore)
      throw new UsageError(`${name} needs ${missing}`, name)
    return { values, positionals }
  } catch (error) {
    if (error instanceof UsageError) throw error
    const { message, code } = error as NodeJS.ErrnoException
    const [, option] = /'(--?[\w-]+)/.exec(message) ?? []
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && option !== undefined)
      throw new UsageError(`${option} is not an option of the command ${name}`, name)
    throw new UsageError(message, name)
  }
}

/** Prints one line for errors that an operator can fix, and the stack for internal errors. */
function report(error: unknown): void {
  if (error instanceof UsageError)
    console.error(`plugboard: ${error.message}; see plugboard help${error.command && ` ${error.command}`}`)
  else if (isPlugboardError(error)) console.error(`plugboard: ${plain(withCause(error))}`)
  else console.error(error)
}

function withCause(error: Error & { code: string }): string {
  const isTold = error.code === 'UNAVAILABLE' && error.cause instanceof Error
  return isTold ? `${error.message} (${(error.cause as Error).message})` : error.message
}
