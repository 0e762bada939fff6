import assert from 'node:assert/strict'
import { jsonFault } from '../../body-limits.js'
import { CONTRACT_VERSION, channelNamePattern, isChannel } from '../../channel.js'
import { contentTypes } from '../../content.js'
import { isUrl } from '../../is-url.js'
import { accepted, type Subject, type SuiteCase } from '../stage.js'

/** Any address: nothing is called here. */
const NOWHERE = 'http://127.0.0.1:9'

/** What a channel says of itself holds, before it is loaded. */
export function declarationCases<Config, Session, Options>({
  channel,
  fixtures,
}: Subject<Config, Session, Options>): SuiteCase[] {
  const test = (name: string, run: () => Promise<void>): SuiteCase => ({ name, run })
  return [
    test('the channel is made by defineChannel, for this major version of the contract', async () => {
      assert(isChannel(channel), 'not made by defineChannel')
      assert(Object.isFrozen(channel), 'not frozen')
      assert.equal(channel.contract, Number.parseInt(CONTRACT_VERSION, 10))
    }),
    test('its name can be a segment of a path, and its version is semantic', async () => {
      assert.match(channel.name, channelNamePattern)
      assert.match(channel.version, /^\d+\.\d+\.\d+$/)
    }),
    test('its capabilities are of known types and sensible sizes', async () => {
      const { content, maxTextLength, buttons, rate, batch, window, renames = [] } = channel.capabilities
      assert(maxTextLength > 1, 'maxTextLength')
      if (buttons) assert(buttons.max > 0 && buttons.maxLabel > 0, 'buttons')
      for (const [name, pace] of Object.entries(rate ?? {})) {
        assert(Number.isFinite(pace.perSecond) && pace.perSecond > 0, `rate.${name}.perSecond`)
        assert(Number.isSafeInteger(pace.burst) && pace.burst > 0, `rate.${name}.burst`)
      }
      for (const part of renames) assert(part === 'sender' || part === 'thread', `renames: ${part}`)
      if (batch) assert(Number.isSafeInteger(batch.max) && batch.max > 1, 'batch.max')
      if (window) {
        assert(Number.isFinite(window.hours) && window.hours > 0, 'window.hours')
        assert(window.allows.trim() !== '', 'window.allows')
      }
      if (content === 'any') return
      assert(content.includes('text'), 'text is what other types are degraded to')
      for (const type of content) assert(contentTypes.includes(type), `unknown type ${type}`)
      if (content.includes('single-choice')) assert(buttons, 'single-choice needs buttons')
    }),
    test('requests of the provider are as the channel says', async () => {
      const { headers = [], maxBytes = Number.POSITIVE_INFINITY, maxJsonValues } = channel.inbound ?? {}
      assert(maxJsonValues === undefined || (Number.isSafeInteger(maxJsonValues) && maxJsonValues > 0))
      const limits = maxJsonValues === undefined ? {} : { maxValues: maxJsonValues }
      const [config] = fixtures.configs(NOWHERE)
      assert(config !== undefined, 'no configuration')
      for (const { name, request } of fixtures.recordings) {
        const signed = fixtures.sign(request, await accepted(channel.config, config), new Date())
        for (const header of headers) assert(signed.headers[header], `${name} has no ${header}`)
        assert(signed.body.length <= maxBytes, `${name} is longer than ${maxBytes} bytes`)
        const isJson = /^application\/([\w.-]+\+)?json\b/i.test(signed.headers['content-type'] ?? '')
        if (isJson) assert.equal(jsonFault(signed.body, limits), undefined, name)
      }
    }),
    test('a valid configuration is accepted, also when it comes back from the store', async () => {
      for (const config of fixtures.configs(NOWHERE)) {
        const once = await accepted(channel.config, config)
        const again = await accepted(channel.config, JSON.parse(JSON.stringify(once)))
        assert.deepEqual(again, once)
      }
    }),
    test('each secret is a field of the configuration, and text', async () => {
      for (const config of fixtures.configs(NOWHERE)) {
        const fields = Object.entries((await accepted(channel.config, config)) as object)
        const texts = fields.filter(([, value]) => typeof value === 'string').map(([name]) => name)
        for (const secret of channel.secrets)
          assert(texts.includes(secret), `${secret} is not in the fixture`)
      }
    }),
    test('each target is a field of the configuration, and an address', async () => {
      for (const config of fixtures.configs(NOWHERE)) {
        const fields = (await accepted(channel.config, config)) as object
        for (const target of channel.targets ?? [])
          assert(isUrl(String(Object(fields)[target])), `${target} is no address in the fixture`)
      }
    }),
    test('an invalid configuration is refused with the reason', async () => {
      const useless = { null: null, 'a number': 42, 'a text': 'text', 'an array': [] }
      for (const [name, config] of Object.entries({ ...fixtures.invalidConfigs, ...useless })) {
        const { issues } = await channel.config['~standard'].validate(config)
        assert(issues && issues.length > 0, `accepted: ${name}`)
        for (const { message } of issues) assert(message, `no reason: ${name}`)
      }
    }),
    test('a fault of a configuration is named although there is another one', async () => {
      const pathsOf = async (config: unknown): Promise<string[]> => {
        const { issues = [] } = await channel.config['~standard'].validate(config)
        const keys = issues.map(({ path = [] }) =>
          path.map((part) => String(typeof part === 'object' ? part.key : part)),
        )
        return keys.map((path) => path.join('.')).filter(Boolean)
      }
      for (const [name, config] of Object.entries(fixtures.invalidConfigs)) {
        const paths = await pathsOf(config)
        const given = Object(config)
        const others = channel.secrets.filter((field) => given[field] !== undefined && !paths.includes(field))
        for (const secret of others) {
          const named = await pathsOf({ ...given, [secret]: {} })
          for (const path of [...paths, secret])
            assert(named.includes(path), `${path} is not named if ${secret} is no text: ${name}`)
        }
      }
    }),
  ]
}
