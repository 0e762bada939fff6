import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type {
  Channel,
  ChannelRuntime,
  Integration,
  IntegrationState,
  OutboundContent,
  Part,
  Sent,
} from '../channel.js'
import type { Endpoint } from '../endpoint.js'
import type { Failure } from '../failure.js'
import type { JsonObject } from '../json.js'
import type { Logger } from '../logger.js'
import { type FakeProvider, fakeProvider } from './fake-provider.js'
import type { ChannelFixtures } from './fixtures.js'
import { memoryState } from './memory-state.js'

/** A channel and its fixtures. */
export interface Subject<Config, Session, Options> {
  channel: Channel<Config, Session, Options>
  fixtures: ChannelFixtures<Config>
}

interface Delivery<Config, Session> {
  integration?: Integration<Config, Session>
  deliveryId?: string
  signal?: AbortSignal
  context?: { value: JsonObject; at: Date }
}

/** The address that is registered at the provider. */
export const WEBHOOK_URL = 'https://hub.example/webhooks/v1/acme/channel'

/** Empty if the part was sent; otherwise the error and its meaning. */
export interface Attempt {
  error?: unknown
  failure?: Failure
}

/** A loaded channel with two integrations and a fake provider, and the ways in which a host calls it. */
export interface Stage<Config, Session> {
  provider: FakeProvider
  runtime: ChannelRuntime<Config, Session>
  integration: Integration<Config, Session>
  /** What the channel remembers about `integration`. */
  state: IntegrationState
  /** Of another tenant, with other credentials. */
  stranger: Integration<Config, Session>
  /** Where the first recorded event came from. */
  endpoint: Endpoint
  /** What that event leaves for later calls, if it leaves something. */
  context?: { value: JsonObject; at: Date }
  /** What the channel logged. */
  log: string[]
  connect(integration: Integration<Config, Session>): Integration<Config, Session>
  /** The parts of content that the channel shows. */
  render(content: OutboundContent): Part[]
  deliver(part: Part, delivery?: Delivery<Config, Session>): Promise<Sent>
  /** Delivers parts in one call, if the channel can. */
  deliverBatch?(parts: readonly Part[], delivery?: Delivery<Config, Session>): Promise<Sent[]>
  /** Delivers and returns the result. */
  attempt(part: Part, delivery?: Delivery<Config, Session>): Promise<Attempt>
  /** Calls that showed something to a person. */
  visibleCalls(): FakeProvider['calls']
}

/** One rule of the contract, for any runner: register `run` under `name`, or report the reason of the skip. */
export interface SuiteCase {
  name: string
  /** Throws when the channel breaks the rule. */
  run(): Promise<void>
  /** Why the rule does not apply to this channel. */
  skip?: string
}

/** Creates cases that each run on a new stage. `configs`: of its two integrations; default: those of the fixtures. */
export const stagedCase =
  <Config, Session, Options>(
    subject: Subject<Config, Session, Options>,
    configs: ChannelFixtures<Config>['configs'] = (url) => subject.fixtures.configs(url),
  ) =>
  (name: string, play: (stage: Stage<Config, Session>) => unknown): SuiteCase => ({
    name,
    run: async () => {
      const provider = await fakeProvider(subject.fixtures.provider)
      try {
        const stage = await setUp(subject, provider, configs(provider.url))
        try {
          await play(stage)
        } finally {
          stage.runtime.disconnect?.(stage.integration.session)
          stage.runtime.disconnect?.(stage.stranger.session)
        }
      } finally {
        await provider.close()
      }
    },
  })

async function setUp<Config, Session, Options>(
  { channel, fixtures }: Subject<Config, Session, Options>,
  provider: FakeProvider,
  [own, other]: readonly [object, object],
): Promise<Stage<Config, Session>> {
  const log: string[] = []
  const configs = [await accepted(channel.config, own), await accepted(channel.config, other)] as const
  const input = fixtures.options?.(provider.url) ?? {}
  const options = channel.options ? await accepted(channel.options, input) : (undefined as Options)
  const runtime = await channel.load({ options, logger: recorder(log), fetch: hostFetch })
  return stageOf(fixtures, { provider, log, runtime }, configs)
}

function stageOf<Config, Session>(
  fixtures: ChannelFixtures<Config>,
  base: Pick<Stage<Config, Session>, 'provider' | 'log' | 'runtime'>,
  [own, other]: readonly [Config, Config],
): Stage<Config, Session> {
  const { runtime, provider } = base
  const first = fixtures.recordings[0]?.events[0]
  assert(first, 'the first recording needs an event')
  const { endpoint } = first
  const context = first.context && { value: first.context, at: first.at }
  const integration = {
    clientId: 'client-a',
    id: 'integration-a',
    name: 'main',
    config: own,
    session: runtime.connect(own),
  }
  const stranger = {
    clientId: 'client-b',
    id: 'integration-b',
    name: 'main',
    config: other,
    session: runtime.connect(other),
  }
  const { deliverBatch } = runtime
  const state = memoryState(fixtures.state?.(own))
  const stateOfStranger = memoryState(fixtures.state?.(other))
  const contextOf = (delivery: Delivery<Config, Session>) => {
    const signal = AbortSignal.timeout(10_000)
    const to = {
      endpoint,
      integration,
      webhookUrl: WEBHOOK_URL,
      deliveryId: 'delivery-1',
      signal,
      ...delivery,
    }
    return { ...to, state: to.integration.id === stranger.id ? stateOfStranger : state }
  }
  const stage: Stage<Config, Session> = {
    ...base,
    integration,
    state,
    stranger,
    endpoint,
    ...(context && { context }),
    connect: (old) => ({ ...old, session: runtime.connect(old.config) }),
    render: (content) => runtime.render(content, endpoint),
    // The host stores parts, so they come back from JSON.
    deliver: (part, delivery = {}) =>
      runtime.deliver(JSON.parse(JSON.stringify(part)) as Part, contextOf(delivery)),
    ...(deliverBatch && {
      deliverBatch: (parts: readonly Part[], delivery: Delivery<Config, Session> = {}) =>
        deliverBatch.call(runtime, JSON.parse(JSON.stringify(parts)) as Part[], contextOf(delivery)),
    }),
    attempt: (part, delivery) =>
      stage.deliver(part, delivery).then(
        () => ({}),
        (error: unknown) => ({ error, failure: runtime.classify(error) }),
      ),
    visibleCalls: () =>
      provider.calls.filter((call) => call.isDone && (fixtures.provider.isVisible?.(call) ?? true)),
  }
  return stage
}

/** The output of a schema for a value. @throws AssertionError when the schema rejects it. */
export async function accepted<T>(schema: StandardSchemaV1<unknown, T>, value: unknown): Promise<T> {
  const result = await schema['~standard'].validate(value)
  if (result.issues) assert.fail(`refused: ${result.issues.map((issue) => issue.message).join('; ')}`)
  return result.value
}

/** Like the host's, it does not follow redirects. */
export const hostFetch: typeof globalThis.fetch = (input, init) =>
  fetch(input, { redirect: 'manual', ...init })

/** Records a context completely, with everything that an SDK attached to its errors. */
function recorder(lines: string[]): Logger {
  const record = (context: object, message: string): void => {
    lines.push(inspect([context, message], { depth: 10, maxStringLength: null, breakLength: Infinity }))
  }
  return { debug: record, info: record, warn: record, error: record }
}
