import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { settingsMarkdown } from '../command-line/help.js'
import { CONFIG_FILE, maxAttemptMs, printable, readConfig } from './read-config.js'

let workingFolder: string

beforeEach(async () => {
  workingFolder = await mkdtemp(join(tmpdir(), 'plugboard-config-'))
})
afterEach(() => rm(workingFolder, { recursive: true }))

const read = (env: NodeJS.ProcessEnv = {}) => readConfig({ env, workingFolder })
const writeFileConfig = (content: unknown) =>
  writeFile(join(workingFolder, CONFIG_FILE), typeof content === 'string' ? content : JSON.stringify(content))

describe('readConfig', () => {
  test('has a default for everything that a first start needs', () => {
    expect(read()).toMatchObject({
      port: 3100,
      host: '127.0.0.1',
      databaseUrl: 'file:./data/plugboard.db',
      channels: [
        'webhook',
        'telegram',
        'slack',
        'twilio',
        'teams',
        'vonage',
        'messenger',
        'instagram',
        'whatsapp',
        'discord',
        'smooch',
        'web',
      ].map((name) => `@plugboard/channel-${name}`),
      channelOptions: {},
      webhookTimeout: 10_000,
      gateBytes: 1_048_576,
      gateClientBytes: 8_388_608,
      workingFolder,
    })
    expect(read().webhookRetryDelays).toHaveLength(14)
    expect(read().adminKey).toBeUndefined()
  })

  test('takes an empty variable as unset', () => {
    expect(read({ PORT: '', ADMIN_KEY: '' })).toMatchObject({ port: 3100 })
    expect(read({ ADMIN_KEY: '' }).adminKey).toBeUndefined()
  })

  test('reads what the environment says', () => {
    const key = Buffer.alloc(32, 7)
    const config = read({
      PORT: '0',
      HOST: '[::1]',
      DATABASE_URL: 'file:///var/lib/plugboard.db',
      EXTERNAL_URL: 'https://bots.example.com:443/hub/',
      TRUSTED_PROXIES: '10.0.0.1, fd00::/8 loopback',
      ENCRYPTION_KEY: key.toString('base64'),
      PLUGBOARD_CHANNELS: ' a-channel , @scope/other',
      PLUGBOARD_CHANNEL_OPTIONS: '{"a": {"url": "http://x"}}',
      WEBHOOK_RETRY_DELAYS: '1s, 2m',
      GATE_BYTES: '64KiB',
    })
    expect(config).toMatchObject({
      port: 0,
      host: '::1',
      externalUrl: 'https://bots.example.com:443/hub',
      trustedProxies: ['10.0.0.1/32', 'fd00::/8', '127.0.0.0/8', '::1/128'],
      channels: ['a-channel', '@scope/other'],
      channelOptions: { a: { url: 'http://x' } },
      webhookRetryDelays: [1_000, 120_000],
      gateBytes: 65_536,
    })
    expect(config.encryptionKey).toEqual(key)
  })

  test.each([
    ['PORT', '70000'],
    ['PORT', 'hunter2'],
    ['PORT', '-1'],
    ['HOST', 'http://hunter2'],
    ['HOST', 'hunter2:80'],
    ['DATABASE_URL', 'postgres://user:hunter2@db/x'],
    ['DATABASE_URL', 'mongodb://user:hunter2@db'],
    ['DATABASE_URL', 'mongodb://user:hunter2@db/?replicaSet=x'],
    ['ROLE', 'hunter2'],
    ['LEASE_TIME', '1s'],
    ['DATABASE_URL', 'file:'],
    ['DATABASE_URL', 'file:./hunter2/'],
    ['DATABASE_URL', 'file:./hunter2.db?mode=memory'],
    ['EXTERNAL_URL', 'hunter2.example.com'],
    ['EXTERNAL_URL', 'ftp://hunter2.example.com'],
    ['EXTERNAL_URL', 'https://user:hunter2@bots.example.com'],
    ['EXTERNAL_URL', 'https://bots.example.com/?token=hunter2'],
    ['ADMIN_KEY', 'schlüssel-hunter2'],
    ['ADMIN_KEY', ' hunter2'],
    ['INTERNAL_PASSWORD', 'hunter2\n'],
    ['INTERNAL_WEBHOOKS', 'https://bots.internal,hunter2'],
    ['INTERNAL_WEBHOOKS', 'https://user:hunter2@bots.internal'],
    ['INTERNAL_WEBHOOKS', 'https://bots.internal/?hunter2'],
    ['ENCRYPTION_KEY', 'hunter2'],
    ['ENCRYPTION_KEY', Buffer.alloc(31, 7).toString('base64')],
    ['NEW_ENCRYPTION_KEY', Buffer.alloc(33, 7).toString('base64')],
    ['ALLOW_PRIVATE_TARGETS', '10.0.0.0/8,hunter2'],
    ['TRUSTED_PROXIES', '10.0.0.0/8,hunter2'],
    ['TRUSTED_PROXIES', '10/8'],
    ['TRUSTED_PROXIES', 'none,10.0.0.1'],
    ['TRUSTED_PROXIES', ','],
    ['LOG_LEVEL', 'hunter2'],
    ['PLUGBOARD_CHANNEL_OPTIONS', '{"slack": "hunter2"'],
    ['PLUGBOARD_CHANNEL_OPTIONS', '["hunter2"]'],
    ['WEBHOOK_RETRY_DELAYS', '1s,hunter2'],
    ['WEBHOOK_TIMEOUT', '10'],
    ['WEBHOOK_TIMEOUT', '0s'],
    ['WEBHOOK_CONCURRENCY', '0'],
    ['GATE_BYTES', '1hunter2'],
    ['CACHE_SIZE', '1e9'],
  ])('refuses a bad %s by its name, and does not show the value (%j)', (key, value) => {
    const attempt = (): unknown => read({ [key]: value })
    expect(attempt).toThrow(expect.objectContaining({ code: 'INVALID' }))
    expect(attempt).toThrow(new RegExp(`^"${key}" `))
    expect(attempt).not.toThrow('hunter2')
  })

  test('names all invalid settings in one error', () => {
    expect(() => read({ PORT: 'x', LOG_LEVEL: 'y' })).toThrow(/"PORT" must be .*"LOG_LEVEL" must be one of/)
  })

  test.each([
    [
      'mongodb://user:hunter2@a.example:27017,b.example/hub?replicaSet=rs',
      'mongodb://***@a.example:27017,b.example/hub',
    ],
    ['mongodb+srv://user:hunter2@cluster.example/hub', 'mongodb+srv://***@cluster.example/hub'],
    ['mongodb://127.0.0.1:27017/hub?directConnection=true', 'mongodb://127.0.0.1:27017/hub'],
  ])('takes %s, and never shows its credentials', (url, shown) => {
    const config = read({ DATABASE_URL: url, ROLE: 'worker' })
    expect(config).toMatchObject({ databaseUrl: url, role: 'worker' })
    expect(printable(config)).toMatchObject({ DATABASE_URL: shown })
  })

  test('refuses a split role with an embedded database', () => {
    expect(() => read({ ROLE: 'api' })).toThrow(/"ROLE" must be `all`/)
  })

  test('wants a lease on MongoDB in which an attempt at a webhook fits three times', () => {
    const DATABASE_URL = 'mongodb://127.0.0.1/hub'
    expect(() => read({ DATABASE_URL, LEASE_TIME: '10s', WEBHOOK_TIMEOUT: '4s' })).toThrow(
      '"LEASE_TIME" is 10s and must be at least 3 times WEBHOOK_TIMEOUT, which is 4s',
    )
    const config = read({ DATABASE_URL, LEASE_TIME: '12s', WEBHOOK_TIMEOUT: '4s' })
    expect(maxAttemptMs(config)).toBe(4_000)
    expect(maxAttemptMs(read({ DATABASE_URL }))).toBe(20_000)
    expect(maxAttemptMs(read({ WEBHOOK_TIMEOUT: '2h' }))).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('plugboard.config.json', () => {
  test('holds any setting by its name there, and the environment wins', async () => {
    await writeFileConfig({
      port: 4000,
      channels: ['a', 'b'],
      channelOptions: { a: { x: 1 } },
      logLevel: 'warn',
    })
    expect(read({ LOG_LEVEL: 'error' })).toMatchObject({
      port: 4000,
      channels: ['a', 'b'],
      channelOptions: { a: { x: 1 } },
      logLevel: 'error',
    })
  })

  test('can load no channel at all', async () => {
    await writeFileConfig({ channels: [] })
    expect(read().channels).toEqual([])
  })

  test('names a bad setting and says where it stands', async () => {
    await writeFileConfig({ port: 'hunter2' })
    expect(() => read()).toThrow(/^"PORT in plugboard.config.json" must be a whole number/)
  })

  test('refuses unknown settings', async () => {
    await writeFileConfig({ prot: 4000 })
    expect(() => read()).toThrow('"prot in plugboard.config.json" is not a setting')
  })

  test.each(['{"adminKey": "hunter2"', '["hunter2"]', 'null'])(
    'refuses %s without showing it',
    async (text) => {
      await writeFileConfig(text)
      expect(() => read()).toThrow('plugboard.config.json must be a JSON object')
      expect(() => read()).not.toThrow('hunter2')
    },
  )
})

describe('printable', () => {
  test('masks every secret', () => {
    const key = Buffer.alloc(32, 7).toString('base64')
    const shown = printable(
      read({
        ADMIN_KEY: 'hunter2',
        INTERNAL_PASSWORD: 'hunter2',
        ENCRYPTION_KEY: key,
        NEW_ENCRYPTION_KEY: key,
        PLUGBOARD_CHANNEL_OPTIONS: '{"slack": {"token": "hunter2"}}',
      }),
    )
    expect(shown).toMatchObject({
      PORT: '3100',
      ADMIN_KEY: '***',
      INTERNAL_PASSWORD: '***',
      ENCRYPTION_KEY: '***',
      PLUGBOARD_CHANNEL_OPTIONS: 'slack: ***',
      CHANNEL_RETRY_DELAYS: '1s,5s,15s,30s,1m,2m,5m',
    })
    expect(JSON.stringify(shown)).not.toMatch(`hunter2|${key}`)
  })

  test('leaves out what is unset', () => {
    expect(printable(read())).not.toHaveProperty('ADMIN_KEY')
  })
})

describe('README', () => {
  test('has the table of settings as it is', async () => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
    expect(unpadded(readme)).toContain(unpadded(settingsMarkdown()))
  })
})

/** A table without what the formatter adds to align its columns. */
const unpadded = (table: string): string => table.replace(/ +\|/g, ' |').replace(/-{3,}/g, '---')
