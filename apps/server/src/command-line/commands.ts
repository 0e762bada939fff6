import { PlugboardError } from '@plugboard/core'

interface Option {
  type: 'string' | 'boolean'
  /** What its value stands for, in the help. */
  value?: string
  help: string
}

type Options = Readonly<Record<string, Option>>

/** The options as they were typed. */
type Typed<O extends Options> = {
  readonly [K in keyof O]?: (O[K]['type'] extends 'boolean' ? boolean : string) | undefined
}

/** What a command needs of the program. */
export interface Program {
  /** Ends the process with an error. */
  fail(error: unknown): never
  /** Prints the help of everything, or of the commands that a name means. */
  help(name: string): Promise<void>
}

/** What a command says about itself. */
interface Declared<O extends Options> {
  summary: string
  /** What follows the name. */
  operands?: readonly string[]
  /** It takes any number of words. */
  takesMore?: true
  options?: O
  /** Further lines of its help. */
  details?: readonly string[]
  examples?: readonly string[]
}

/** A command of the command line. Modules are loaded when it runs. */
export interface Command extends Declared<Options> {
  /** `line`: its options, as the parser of the command line understood them. */
  run(operands: readonly string[], line: object, program: Program): Promise<void>
}

/** A command whose options have the types that it declares. */
function command<O extends Options>(
  declared: Declared<O> & {
    run(operands: readonly string[], line: Typed<O>, program: Program): Promise<void>
  },
): Command {
  return {
    ...declared,
    async run(operands, line, program) {
      if (!isTyped(declared.options, line)) throw new TypeError('an option has another type than it declares')
      await declared.run(operands, line, program)
    },
  }
}

function isTyped<O extends Options>(options: O | undefined, line: object): line is Typed<O> {
  return Object.entries(line).every(([name, value]) => typeof value === options?.[name]?.type)
}

const json = { type: 'boolean', help: 'Print JSON.' } as const
const url = {
  type: 'string',
  value: 'URL',
  help: 'Address of a running server. Default: the database of DATABASE_URL, or the server that has it open.',
} as const
const remote = { json, url }

const filter = {
  client: { type: 'string', value: 'ID', help: 'Only those of this client (a UUID, or 24 hex digits).' },
  target: { type: 'string', value: 'ID|URL', help: 'Only those to this webhook, endpoint or integration.' },
  integration: { type: 'string', value: 'ID|NAME', help: 'Only those of this integration.' },
  channel: { type: 'string', value: 'NAME', help: 'Only those of this channel, such as telegram.' },
  reason: {
    type: 'string',
    value: 'REASON',
    help: 'exhausted, invalid, recipient, window-closed, gone, target-removed or undelivered.',
  },
  event: { type: 'string', value: 'TYPE', help: 'Type of the event, such as message.new.' },
  since: { type: 'string', value: 'TIME', help: 'Given up since then: 2h, or 2026-01-31T12:00:00Z.' },
  until: { type: 'string', value: 'TIME', help: 'Given up before then.' },
} as const satisfies Options

const dealing = {
  ...filter,
  all: { type: 'boolean', help: 'Without a filter: all dead letters of all clients.' },
  'dry-run': { type: 'boolean', help: 'Only say how many there are.' },
  'per-second': { type: 'string', value: 'N', help: 'Maximum per second for each client. Default: 100.' },
  background: { type: 'boolean', help: 'Do not wait for the end.' },
} as const satisfies Options

const JOBS = [
  'A job of the server does the work, in the order of each conversation. The command shows the progress. Ctrl-C ends the',
  'command alone, and the job goes on; the console shows and stops it.',
]

const WHERE = [
  'If the server is stopped, the command opens its database. If it runs, the command calls its admin routes, with the key',
  "of ADMIN_KEY or of the server's key file. Give it the HOST, PORT, DATABASE_URL, ADMIN_KEY and INTERNAL_PASSWORD of the server.",
]

export const commands = {
  start: command({
    summary: 'Start the server. This is the default command.',
    details: ['The first Ctrl-C or SIGTERM stops it gracefully, the second one immediately.'],
    run: async (_, __, { fail }) => (await import('../serve.js')).serve(fail),
  }),
  'rotate-key': command({
    summary: 'Encrypt all stored secrets with a new key. Stop the server first.',
    details: ['The new key is NEW_ENCRYPTION_KEY, or that of a new key file.'],
    run: async () => (await databases()).rotateKey(),
  }),
  copy: command({
    summary: 'Copy a database to an empty one. Stop all servers first.',
    options: {
      from: { type: 'string', value: 'URL', help: 'The database to copy: file:… or mongodb://…' },
      to: { type: 'string', value: 'URL', help: 'An empty database: file:… or mongodb://…' },
    },
    examples: ['copy --from file:./data/plugboard.db --to mongodb://localhost/plugboard'],
    run: async (_, line) => (await databases()).copy(line),
  }),
  'keys create': command({
    summary: 'Create a key of the Sunshine API.',
    options: {
      app: { type: 'string', value: 'new|ID', help: 'The app of the key, or `new`.' },
      scope: { type: 'string', value: 'SCOPE', help: 'app, account or integration.' },
      integration: { type: 'string', value: 'ID', help: 'The integration, for the scope integration.' },
      name: { type: 'string', value: 'NAME', help: 'Display name. Default: operator.' },
      ...remote,
    },
    details: WHERE,
    examples: ['keys create --app new --scope app'],
    run: async (_, line) => (await keys()).create(line),
  }),
  'keys list': command({
    summary: 'List the keys of the Sunshine API, without their secrets.',
    options: { app: { type: 'string', value: 'ID', help: 'Only those of this app.' }, ...remote },
    details: WHERE,
    run: async (_, line) => (await keys()).list(line),
  }),
  'keys revoke': command({
    summary: 'Revoke a key of the Sunshine API.',
    operands: ['KEY'],
    options: remote,
    details: WHERE,
    examples: ['keys revoke app_0198c5d2e3f40a1b2c3d4e5f'],
    run: async ([key = ''], line) => (await keys()).revoke(key, line),
  }),
  'owners create': command({
    summary: 'Create the owner of a project of the Smartify API, or give an existing one a new password.',
    options: {
      project: { type: 'string', value: 'new|ID', help: 'The project, or `new`.' },
      email: { type: 'string', value: 'EMAIL', help: 'E-mail address, for the sign-in.' },
      'password-stdin': { type: 'boolean', help: 'Read the password from the standard input. Required.' },
      firstname: { type: 'string', value: 'NAME', help: 'First name.' },
      lastname: { type: 'string', value: 'NAME', help: 'Last name.' },
      ...remote,
    },
    details: WHERE,
    examples: ['owners create --project new --email olga@example.org --password-stdin < password-file'],
    async run(_, line) {
      if (!line['password-stdin'])
        throw new PlugboardError('INVALID', 'owners create reads the password with --password-stdin')
      await (await owners()).create(line)
    },
  }),
  'owners list': command({
    summary: 'List the owners of projects of the Smartify API.',
    options: { project: { type: 'string', value: 'ID', help: 'Only those of this project.' }, ...remote },
    details: WHERE,
    run: async (_, line) => (await owners()).list(line),
  }),
  'owners remove': command({
    summary: 'Take a project, or all projects, from their owner. An account without projects is deleted.',
    options: {
      email: { type: 'string', value: 'EMAIL', help: 'E-mail address of the owner.' },
      project: { type: 'string', value: 'ID', help: 'Only this project. Default: all.' },
      ...remote,
    },
    details: WHERE,
    examples: ['owners remove --email olga@example.org'],
    run: async (_, line) => (await owners()).remove(line),
  }),
  'operators create': command({
    summary: 'Create an operator of the console, or give an existing one another role or password.',
    options: {
      email: { type: 'string', value: 'EMAIL', help: 'E-mail address, for the sign-in.' },
      role: { type: 'string', value: 'ROLE', help: 'viewer, operator or admin.' },
      name: { type: 'string', value: 'NAME', help: 'Name.' },
      'password-stdin': {
        type: 'boolean',
        help: 'Read the password from the standard input. Without it: sign-in with OpenID Connect only.',
      },
      ...remote,
    },
    details: WHERE,
    examples: ['operators create --email ada@example.org --role admin --password-stdin < password-file'],
    run: async (_, line) => (await operators()).create(line),
  }),
  'operators list': command({
    summary: 'List the operators of the console.',
    options: remote,
    details: WHERE,
    run: async (_, line) => (await operators()).list(line),
  }),
  'operators remove': command({
    summary: 'Remove an operator of the console, and end all sessions of the operator.',
    options: {
      email: { type: 'string', value: 'EMAIL', help: 'E-mail address of the operator.' },
      ...remote,
    },
    details: WHERE,
    examples: ['operators remove --email ada@example.org'],
    run: async (_, line) => (await operators()).remove(line),
  }),
  overview: command({
    summary: 'Show whether people are answered; if not: who, since when, why, and what ends it.',
    options: remote,
    details: WHERE,
    run: async (_, line) => (await overview()).show(line),
  }),
  'clients list': command({
    summary: 'List all clients, oldest first.',
    options: remote,
    details: WHERE,
    run: async (_, line) => (await clients()).list(line),
  }),
  'clients show': command({
    summary: 'Show a client: its names and limits, and the state of its webhooks and channels.',
    operands: ['ID'],
    options: remote,
    details: ['ID: a UUID, or the 24 hex digits of the Sunshine and Smartify APIs.', ...WHERE],
    run: async ([id = ''], line) => (await clients()).show(id, line),
  }),
  'clients link': command({
    summary: 'Create a link that opens the console for one client, without a password.',
    operands: ['ID'],
    options: {
      role: { type: 'string', value: 'ROLE', help: 'viewer or operator. Default: viewer.' },
      expires: { type: 'string', value: 'TIME', help: 'How long it is valid: 1m to 90d. Default: 1d.' },
      name: { type: 'string', value: 'NAME', help: 'Who uses it, for the audit log. Default: link.' },
      ...remote,
    },
    details: ['The server must be running.', ...WHERE],
    examples: ['clients link 0198c5d2e3f40a1b2c3d4e5f --expires 7d --name "Olga of the shop"'],
    run: async ([id = ''], line) => (await clients()).link(id, line),
  }),
  'clients delete': command({
    summary: 'Delete a client with all of its data. This cannot be undone.',
    operands: ['ID'],
    options: remote,
    details: WHERE,
    run: async ([id = ''], line) => (await clients()).remove(id, line),
  }),
  'dead-letters list': command({
    summary: 'List deliveries that were given up, of one client or of all.',
    options: {
      ...filter,
      limit: { type: 'string', value: 'N', help: 'Maximum number. Default: 100.' },
      ...remote,
    },
    details: WHERE,
    examples: ['dead-letters list --since 24h'],
    run: async (_, line) => (await deadLetters()).list(line),
  }),
  'dead-letters replay': command({
    summary: 'Deliver again what was given up, by filter.',
    options: {
      ...dealing,
      to: { type: 'string', value: 'ID|URL', help: 'Deliver to this webhook of the client. Needs --client.' },
      ...remote,
    },
    details: [...JOBS, ...WHERE],
    examples: [
      'dead-letters replay --target https://bot.example/hook',
      'dead-letters replay --since 2h --reason exhausted',
    ],
    run: async (_, line) => (await deadLetterJobs()).replay(line),
  }),
  'dead-letters discard': command({
    summary: 'Take what was given up from the list, by filter. Nobody gets it.',
    options: { ...dealing, ...remote },
    details: [...JOBS, ...WHERE],
    examples: ['dead-letters discard --client 0198c5d2e3f40a1b2c3d4e5f --reason recipient --dry-run'],
    run: async (_, line) => (await deadLetterJobs()).discard(line),
  }),
  help: command({
    summary: 'Show this help, or the help of a command.',
    operands: ['COMMAND'],
    takesMore: true,
    run: (words, _, { help }) => help(words.join(' ')),
  }),
  version: command({
    summary: 'Show the version.',
    run: async () => console.log((await import('../version.js')).version),
  }),
}

export const isCommand = (name: string): name is keyof typeof commands => Object.hasOwn(commands, name)

const databases = () => import('./commands/databases.js')
const keys = () => import('./commands/keys.js')
const operators = () => import('./commands/operators.js')
const owners = () => import('./commands/owners.js')
const overview = () => import('./commands/overview.js')
const clients = () => import('./commands/clients.js')
const deadLetters = () => import('./commands/dead-letters.js')
const deadLetterJobs = () => import('./commands/dead-letter-jobs.js')
