import assert from 'node:assert/strict'
import type { ChannelRuntime, Heard } from '../../channel.js'
import type { Json } from '../../json.js'
import { silentLogger } from '../../logger.js'
import type { ListenProvider } from '../fixtures.js'
import { memoryState } from '../memory-state.js'
import { accepted, hostFetch, type Subject, type SuiteCase, WEBHOOK_URL } from '../stage.js'

/** Any address: nothing is called here. */
const NOWHERE = 'http://127.0.0.1:9'
const PATIENCE_MS = 10_000
/** How long a channel may take to stop. */
const STOP_MS = 1_000

/** A channel that listens, as a host would run it. */
interface Ear {
  /** The next value with events. */
  hear(): Promise<Heard>
  /** Asks for the next value, without waiting for it. */
  ask(): Promise<unknown>
  /** The cursor that a host has stored: of the last value after which it asked for another one. */
  stored(): Json | undefined
  isConnected(): boolean
  stop(): Promise<void>
}

interface Scene<Config, Session> {
  provider: ListenProvider<Config>
  runtime: ChannelRuntime<Config, Session>
  own: Config
  other: Config
  listen(config: Config, cursor?: Json): Ear
}

/** A channel with a source of events that it keeps open. */
export function listenCases<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
): SuiteCase[] {
  const { channel, fixtures } = subject
  const test = (name: string, play: (scene: Scene<Config, Session>) => Promise<void>): SuiteCase => ({
    name,
    run: () => onScene(subject, play),
    ...(!channel.modes?.listen && { skip: 'the channel does not listen' }),
  })

  return [
    {
      name: 'modes are those that the channel has, with fields of its configuration',
      run: async () => {
        const options = channel.options
          ? await accepted(channel.options, fixtures.options?.(NOWHERE) ?? {})
          : (undefined as Options)
        const runtime = await channel.load({ options, logger: silentLogger, fetch: hostFetch })
        assert.equal(runtime.listen !== undefined, channel.modes?.listen !== undefined, 'listen')
        const config = await accepted(channel.config, fixtures.configs(NOWHERE)[0])
        for (const needed of Object.values(channel.modes ?? {}).flat())
          assert(
            [needed].flat().some((field) => field in Object(config)),
            `${String(needed)} is not in the fixture`,
          )
      },
    },
    test('listen yields what is written to its account, and confirms it only when it is asked for more', async ({
      provider,
      own,
      other,
      listen,
    }) => {
      const ear = listen(own)
      provider.say(other, 'to another account')
      provider.say(own, 'hello')
      const { events } = await ear.hear()
      assert.deepEqual(textsOf(events), ['hello'])
      assert(ear.isConnected(), 'it did not call connected')
      assert.equal(provider.unconfirmed(own), 1, 'it was confirmed before it was stored')
      void ear.ask()
      await until(() => provider.unconfirmed(own) === 0, 'it was not confirmed')
      await ear.stop()
    }),
    test('listen yields what was not confirmed again with the same key, and goes on after its cursor', async ({
      provider,
      own,
      listen,
    }) => {
      provider.say(own, 'one')
      const first = listen(own)
      const before = await first.hear()
      await first.stop()
      const second = listen(own, first.stored())
      const again = await second.hear()
      assert.deepEqual(keysOf(again), keysOf(before))
      void second.ask()
      await until(() => provider.unconfirmed(own) === 0, 'it was not confirmed')
      await second.stop()
      provider.say(own, 'two')
      const third = listen(own, again.cursor)
      assert.deepEqual(textsOf((await third.hear()).events), ['two'])
      await third.stop()
    }),
    test('listen ends within a second when it is aborted', async ({ provider, own, listen }) => {
      const ear = listen(own)
      provider.say(own, 'hello')
      await ear.hear()
      const waiting = ear.ask()
      await until(() => provider.unconfirmed(own) === 0, 'it was not confirmed')
      const started = performance.now()
      await ear.stop()
      await waiting
      assert(performance.now() - started < STOP_MS, 'it went on')
    }),
    test('listen fails as `auth` when the credentials are refused', async ({
      provider,
      runtime,
      own,
      listen,
    }) => {
      provider.refuse()
      const error = await listen(own)
        .hear()
        .then(
          () => assert.fail('it yields something'),
          (thrown: unknown) => thrown,
        )
      assert.equal(runtime.classify(error).kind, 'auth')
    }),
  ]
}

async function onScene<Config, Session, Options>(
  { channel, fixtures }: Subject<Config, Session, Options>,
  play: (scene: Scene<Config, Session>) => Promise<void>,
): Promise<void> {
  assert(fixtures.listen, 'the channel listens, and the fixtures have no provider to listen to')
  const provider = await fixtures.listen()
  const ears: Ear[] = []
  try {
    const [own, other] = await Promise.all(
      fixtures.configs(provider.url).map((config) => accepted(channel.config, config)),
    )
    assert(own !== undefined && other !== undefined, 'two configurations')
    const options = channel.options
      ? await accepted(channel.options, fixtures.options?.(provider.url) ?? {})
      : (undefined as Options)
    const runtime = await channel.load({ options, logger: silentLogger, fetch: hostFetch })
    const listen = (config: Config, cursor?: Json): Ear => {
      const ear = earOf(runtime, provider, config, cursor)
      ears.push(ear)
      return ear
    }
    await play({ provider, runtime, own, other, listen })
  } finally {
    await Promise.all(ears.map((ear) => ear.stop()))
    await provider.close()
  }
}

function earOf<Config, Session>(
  runtime: ChannelRuntime<Config, Session>,
  { webSocket }: ListenProvider<Config>,
  config: Config,
  cursor: Json | undefined,
): Ear {
  const controller = new AbortController()
  const session = runtime.connect(config)
  let isConnected = false
  const source = runtime.listen?.({
    integration: { clientId: 'client-a', id: 'integration-a', name: 'main', config, session },
    state: memoryState(),
    webhookUrl: WEBHOOK_URL,
    signal: controller.signal,
    // The host stores it as JSON.
    ...(cursor !== undefined && { cursor: JSON.parse(JSON.stringify(cursor)) as Json }),
    connected: () => {
      isConnected = true
    },
    fetch: hostFetch,
    webSocket: (url) => {
      assert(webSocket, 'the channel opens a socket, and the fixtures have no webSocket')
      return webSocket(url)
    },
  })
  const values = source?.[Symbol.asyncIterator]()
  assert(values, 'the channel has no listen')
  let asked: Promise<IteratorResult<Heard>> | undefined
  let stored = cursor
  let given: Json | undefined
  const ask = () => {
    if (given !== undefined) stored = given
    asked ??= values.next()
    return asked
  }
  let isStopped = false
  return {
    async hear() {
      for (;;) {
        const { done, value } = await within(PATIENCE_MS, ask(), 'listen yields nothing')
        asked = undefined
        assert(!done, 'listen ended')
        given = value.cursor
        if (value.events.length > 0) return value
      }
    },
    ask: () => ask().catch(() => undefined),
    stored: () => stored,
    isConnected: () => isConnected,
    async stop() {
      if (isStopped) return
      isStopped = true
      controller.abort()
      await within(
        2 * STOP_MS,
        asked?.catch(() => undefined),
        'listen does not end when it is aborted',
      )
      await within(2 * STOP_MS, values.return?.(), 'listen does not end')
      runtime.disconnect?.(session)
    },
  }
}

const textsOf = (events: Heard['events']) =>
  events.map((event) => (event.type === 'message' ? event.content.text : event.type))

const keysOf = ({ events }: Heard) => events.map(({ dedupeKey }) => dedupeKey)

async function until(condition: () => boolean, otherwise: string): Promise<void> {
  for (const started = performance.now(); !condition(); ) {
    assert(performance.now() - started < PATIENCE_MS, otherwise)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function within<T>(ms: number, work: T | Promise<T>, otherwise: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: otherwise })), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
