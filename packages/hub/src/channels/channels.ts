import {
  type Channel,
  type ChannelRuntime,
  type Id,
  type Integration,
  type IntegrationMode,
  type IntegrationState,
  type Issue,
  invalid,
  type JsonObject,
  jsonObjectOf,
  type Logger,
  PlugboardError,
} from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import { atMost } from '../cache.js'
import type { OpenIntegration } from '../clients/open-integration.js'
import type { IntegrationStates } from './integration-states.js'

export type Runtime = ChannelRuntime<unknown, unknown>

/** A channel with its operator options. */
export interface LoadedChannel {
  channel: Channel
  options?: unknown
}

/** An integration that can be called. */
export interface Connected {
  channel: Channel
  runtime: Runtime
  integration: Integration<unknown, unknown>
  state: IntegrationState
}

export interface ChannelsOptions {
  channels: readonly LoadedChannel[]
  log: Logger
  /** Rejects forbidden addresses. */
  fetch: typeof globalThis.fetch
  /** Maximum number of cached sessions, one per active integration. */
  maxSessions: number
  states: Pick<IntegrationStates, 'of'>
  /** Called when a channel was loaded on demand. */
  loaded?(name: string): void
}

/** The channels of this process, and the sessions of active integrations. */
export class Channels {
  readonly #options: ChannelsOptions
  readonly #channels: ReadonlyMap<string, LoadedChannel>
  /** Names that were looked for in vain. */
  readonly #missing = new Set<string>()
  readonly #runtimes = new Map<string, Promise<Runtime>>()
  readonly #sessions: LRUCache<string, { integration: OpenIntegration; session: unknown; runtime: Runtime }>

  constructor(options: ChannelsOptions) {
    this.#options = options
    this.#channels = new Map(options.channels.map((loaded) => [loaded.channel.name, loaded]))
    this.#sessions = new LRUCache({
      ...atMost(options.maxSessions),
      dispose: ({ runtime, session }) => runtime.disconnect?.(session),
    })
  }

  get names(): readonly string[] {
    return [...this.#channels.keys()]
  }

  find(name: string): Channel | undefined {
    return this.#channels.get(name)?.channel
  }

  /** Whether the channel of an integration is loaded in this process. Logs once if it is not. */
  isLoaded(name: string): boolean {
    if (this.#channels.has(name)) return true
    if (!this.#missing.has(name)) {
      this.#missing.add(name)
      this.#options.log.warn(
        { channel: name },
        'a channel of an integration is not loaded: its messages wait; install its package, and add it to PLUGBOARD_CHANNELS',
      )
    }
    return false
  }

  /**
   * Validates a configuration of an integration of this name. `dropUnknown` drops unknown fields instead of rejecting them.
   * @throws INVALID with an issue for each fault, with paths below `channels.NAME`
   */
  async check(
    { name, channel: channelName }: { name: string; channel: string },
    config: JsonObject,
    dropUnknown = false,
  ): Promise<JsonObject> {
    const channel = this.find(channelName)
    if (!channel) {
      const loaded = this.names.join(', ') || 'none'
      const hint = `this server does not load that channel (loaded: ${loaded}); PLUGBOARD_CHANNELS adds it`
      throw invalid(
        name === channelName
          ? { path: ['channels', name], message: `is not allowed: ${hint}` }
          : { path: ['channels', name, 'channel'], message: `must be the name of a channel: ${hint}` },
      )
    }
    const result = await channel.config['~standard'].validate(config)
    if (!result.issues) return jsonObjectOf(result.value)
    const unknown = new Set(result.issues.flatMap((issue) => unknownKeys(issue) ?? []))
    if (dropUnknown && unknown.size > 0) {
      const known = Object.fromEntries(Object.entries(config).filter(([key]) => !unknown.has(key)))
      return this.check({ name, channel: channelName }, known)
    }
    throw invalid(...result.issues.flatMap((issue) => asIssues(name, config, issue)))
  }

  /**
   * The mode of an integration: the wanted one, or the first in `order` that the channel and the configuration can.
   * @throws INVALID with the field that the mode needs, or if the channel cannot do what is wanted
   */
  modeOf(
    { name, channel }: { name: string; channel: string },
    config: JsonObject,
    wanted: IntegrationMode | undefined,
    order: readonly IntegrationMode[],
  ): IntegrationMode {
    const modes = this.find(channel)?.modes ?? { webhook: [] }
    const possible = order.filter((mode) => modes[mode])
    const lacking = (mode: IntegrationMode): readonly string[][] =>
      (modes[mode] ?? [])
        .map((needed) => [needed].flat())
        .filter((fields) => fields.every((field) => config[field] === undefined))
    if (wanted && !modes[wanted])
      throw invalid({
        path: ['channels', name, 'mode'],
        message: `must be ${possible.join(' or ')}: the channel cannot do anything else`,
      })
    const usable = wanted ?? possible.find((mode) => lacking(mode).length === 0)
    const mode = usable ?? (modes.webhook ? 'webhook' : 'listen')
    const missing = lacking(mode)
    if (missing.length > 0)
      throw invalid(
        ...missing.map(([field = '', ...others]) => {
          const message = wanted ? `is required in the mode "${mode}"` : 'is required'
          return { path: ['channels', name, field], message: [message, ...others].join(', or ') }
        }),
      )
    return mode
  }

  /** Runtime, session and state of one integration. @throws UNAVAILABLE if the channel is not loaded in this process */
  async connect(clientId: Id, open: OpenIntegration): Promise<Connected> {
    const loaded = this.#channels.get(open.channel)
    if (!loaded) throw this.#unloaded(open.channel)
    const { id, name } = open
    const runtime = await this.#load(loaded)
    const known = this.#sessions.get(id)
    const isCurrent = known?.integration.config === open.config
    const session = isCurrent ? known.session : runtime.connect(open.config)
    if (!isCurrent) this.#sessions.set(id, { integration: open, session, runtime })
    return {
      channel: loaded.channel,
      runtime,
      integration: { clientId, id, name, config: open.config, session },
      state: this.stateOf(clientId, open),
    }
  }

  /** What the channel remembers about an integration. */
  stateOf(clientId: Id, open: OpenIntegration): IntegrationState {
    return this.#options.states.of(clientId, open)
  }

  /** The runtime of a channel. @throws UNAVAILABLE if it is not loaded in this process */
  async runtime(name: string): Promise<Runtime> {
    const loaded = this.#channels.get(name)
    if (!loaded) throw this.#unloaded(name)
    return this.#load(loaded)
  }

  /** Providers repeat a request that gets this, so what people write is not lost if the channel is loaded again soon. */
  #unloaded(name: string): PlugboardError {
    this.isLoaded(name)
    return new PlugboardError('UNAVAILABLE', `the channel ${name} is not loaded`)
  }

  /** Loads once per process. After a failure, the next call tries again. */
  #load({ channel, options }: LoadedChannel): Promise<Runtime> {
    const { name } = channel
    const known = this.#runtimes.get(name)
    if (known) return known
    const { log: logger, fetch } = this.#options
    const loading = channel.load({ options, logger, fetch })
    this.#runtimes.set(name, loading)
    loading.then(
      () => this.#options.loaded?.(name),
      () => this.#runtimes.delete(name),
    )
    return loading
  }

  close(): void {
    this.#sessions.clear()
  }
}

const REQUIRED = 'is required'

type SchemaIssue = {
  readonly message: string
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined
}

/** Converts an issue of a schema: missing fields `is required`, unknown fields `is not allowed`. */
function asIssues(name: string, config: JsonObject, issue: SchemaIssue): Issue[] {
  const keys = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part))
  const path = ['channels', name, ...keys]
  const unknown = unknownKeys(issue)
  if (unknown) return unknown.map((key) => ({ path: [...path, key], message: 'is not allowed' }))
  if (!isMissing(config, keys)) return [{ path, message: phraseOf(issue) }]
  // A channel may name what is accepted instead.
  return [{ path, message: issue.message.startsWith(REQUIRED) ? issue.message : REQUIRED }]
}

/** Uses the wording of this API for wrong types, and the schema's message otherwise. */
function phraseOf(issue: SchemaIssue): string {
  const type =
    'code' in issue && issue.code === 'invalid_type' && 'expected' in issue ? issue.expected : undefined
  if (type === 'string' || type === 'number' || type === 'boolean') return `must be a ${type}`
  return `is invalid: ${issue.message}`
}

/** The unknown fields of a strict zod schema; undefined for any other issue. */
function unknownKeys(issue: SchemaIssue): string[] | undefined {
  return 'keys' in issue && Array.isArray(issue.keys) ? issue.keys.map(String) : undefined
}

function isMissing(config: JsonObject, keys: readonly string[]): boolean {
  let value: unknown = config
  for (const key of keys)
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
  return value === undefined
}
