import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Capabilities, InboundEvent, InboundRequest, Received } from '../../channel.js'
import { isPlugboardError } from '../../errors.js'
import { isStorable } from '../../json.js'
import { forgedForms, oddForms } from '../hostile.js'
import { type Stage, type Subject, type SuiteCase, stagedCase } from '../stage.js'

/** What a request means depends on the request alone, and a hostile one means nothing. */
export function parseCases<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
): SuiteCase[] {
  const { recordings, sign } = subject.fixtures
  const { capabilities } = subject.channel
  const test = stagedCase(subject)
  const parse = ({ runtime, integration }: Stage<Config, Session>, request: InboundRequest, at: Date) =>
    runtime.parse(sign(request, integration.config, at), integration)

  return [
    test('parse finds the events of each recording', (stage) => {
      for (const { name, request, recordedAt, events } of recordings) {
        const received = parse(stage, request, recordedAt)
        assert.deepEqual(received.events, events, name)
        checkReceived(received, capabilities)
      }
    }),
    test('parse is pure', async (stage) => {
      const { runtime, integration } = stage
      for (const { name, request, recordedAt } of recordings) {
        const before = structuredClone(sign(request, integration.config, recordedAt))
        const signed = structuredClone(before)
        const first = runtime.parse(signed, integration)
        assert.deepEqual(signed, before, `${name}: the request is changed`)
        // Long enough for a look at the clock to show.
        await sleep(5)
        assert.deepEqual(runtime.parse(signed, stage.connect(integration)), first, name)
      }
    }),
    test('parse gives an event the same dedupe key when it is delivered again', (stage) => {
      for (const { name, request, recordedAt } of recordings) {
        const again = parse(stage, request, new Date(recordedAt.getTime() + 60_000))
        assert.deepEqual(keysOf(again), keysOf(parse(stage, request, recordedAt)), name)
      }
    }),
    test('parse gives different events different dedupe keys', (stage) => {
      const keys = recordings.flatMap(({ request, recordedAt }) => keysOf(parse(stage, request, recordedAt)))
      assert(keys.length > 1, 'two recordings with events are needed')
      assert.equal(new Set(keys).size, keys.length, keys.join(', '))
    }),
    test('parse answers a hostile request with storable events or with INVALID', (stage) => {
      const [recording] = recordings
      assert(recording)
      const signed = (request: InboundRequest) => sign(request, stage.integration.config, new Date())
      for (const [name, odd] of oddForms(recording.request))
        checkHostile(stage, capabilities, name, signed(odd))
      for (const [name, forged] of forgedForms(signed(recording.request)))
        checkHostile(stage, capabilities, name, forged)
    }),
  ]
}

function checkHostile<Config, Session>(
  { runtime, integration }: Stage<Config, Session>,
  capabilities: Capabilities,
  name: string,
  request: InboundRequest,
): void {
  try {
    checkReceived(runtime.parse(request, integration), capabilities)
  } catch (error) {
    if (!isPlugboardError(error, 'INVALID')) throw new Error(`not INVALID: ${name}`, { cause: error })
    assert(
      error.message.length > 0 && error.message.length < 2000,
      `${name}: the message is empty or too long`,
    )
  }
}

/** Whether the host can store the events and give the answer. */
function checkReceived({ events, response }: Received, capabilities: Capabilities): void {
  assert(response.status >= 100 && response.status < 600)
  for (const event of events) {
    const { identity, sender, thread } = event.endpoint
    const { refersTo = event.dedupeKey } = event
    for (const text of [event.dedupeKey, refersTo, identity, sender, thread]) {
      assert(text.length > 0 && isStorable(text), `not storable: ${JSON.stringify(text)}`)
    }
    assert(!Number.isNaN(event.at.getTime()), 'the time is none')
    checkDetails(event)
    checkContext(event, capabilities)
    checkAddresses(event, capabilities)
  }
}

/** Most aliases that the host uses, and most characters of each. */
const MAX_ALIASES = 10
const MAX_ADDRESS = 512

function checkAddresses(event: InboundEvent, { renames = [] }: Capabilities): void {
  const { aliases = [], endpoint } = event
  if (aliases.length > 0) assert(renames.includes('sender'), 'aliases need `capabilities.renames`')
  assert(aliases.length <= MAX_ALIASES, `more than ${MAX_ALIASES} aliases`)
  for (const { sender } of aliases) checkAddress(sender)
  if (event.type !== 'renamed') return
  const { to } = event
  checkAddress(to.sender)
  checkAddress(to.thread)
  assert.equal(to.identity, endpoint.identity, 'a renamed event is of one identity')
  const parts = (['sender', 'thread'] as const).filter((part) => to[part] !== endpoint[part])
  assert(parts.length > 0, 'a renamed event without another address')
  for (const part of parts) assert(renames.includes(part), `a renamed ${part} needs \`capabilities.renames\``)
}

function checkAddress(address: string): void {
  assert(address.length > 0 && address.length <= MAX_ADDRESS && isStorable(address), 'an alias is no address')
}

/** Maximum size of a context, in bytes of its JSON. */
const MAX_CONTEXT_BYTES = 4096

function checkContext({ context }: InboundEvent, capabilities: Capabilities): void {
  if (context === undefined) return
  assert(capabilities.context, 'a context needs `capabilities.context`')
  const json = JSON.stringify(context)
  assert.deepEqual(JSON.parse(json), context, 'the context is not JSON')
  assert(Buffer.byteLength(json) <= MAX_CONTEXT_BYTES, 'the context is longer than 4 kB')
}

function checkDetails(event: InboundEvent): void {
  if (event.type === 'message' || event.type === 'edited') {
    const { content } = event
    assert.equal(typeof content.type, 'string')
    assert.deepEqual(JSON.parse(JSON.stringify(content)), content, 'the content is not JSON')
    if (content.media) assert('ref' in content.media, 'a file without a reference')
  }
  if (event.type === 'choice')
    assert(event.token !== '' && isStorable(event.token), 'a choice without a token')
  if ('messageKey' in event) assert(event.messageKey !== '' && isStorable(event.messageKey), 'no message key')
}

const keysOf = ({ events }: Received): string[] => events.map((event: InboundEvent) => event.dedupeKey)
