import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Allowance, forbiddenRange, parseAllowance, refusal } from './guard.js'

const nothing: Allowance = { all: false, cidrs: [] }

describe('parseAllowance', () => {
  test('allows loopback by default on a server that only listens there, and nothing on any other', () => {
    expect(parseAllowance(undefined, true)).toEqual(parseAllowance('loopback', false))
    expect(parseAllowance(undefined, false)).toEqual(nothing)
    expect(parseAllowance(' ', false)).toEqual(nothing)
  })

  test('reads all, none, ranges, single addresses and loopback', () => {
    expect(parseAllowance('all', false)).toEqual({ all: true, cidrs: [] })
    expect(parseAllowance('none', true)).toEqual(nothing)
    expect(parseAllowance('10.0.0.0/8, fd00::/8 192.168.1.7', false).cidrs).toEqual([
      '10.0.0.0/8',
      'fd00::/8',
      '192.168.1.7/32',
    ])
    expect(parseAllowance('loopback,fd00::1', false).cidrs).toEqual(['127.0.0.0/8', '::1/128', 'fd00::1/128'])
  })

  test.each([
    'bot.example.com',
    '10/8',
    '10.0.0.0/33',
    'fd00::/129',
    'fe80::1%eth0/64',
    '10.0.0.0/8;fd00::/8',
    'all,10.0.0.0/8',
    'none,loopback',
    '10.0.0.0/-1',
    '010.0.0.0/8',
  ])('refuses %s, naming the setting and not the value', (value) => {
    const parse = () => parseAllowance(value, true)
    expect(parse).toThrow(/^ALLOW_PRIVATE_TARGETS: entry \d of \d /)
    expect(parse).not.toThrow(value)
  })
})

describe('refusal', () => {
  test.each([
    'https://bot.example.com/hook?token=1#part',
    'http://8.8.8.8:8080/',
    'http://[2606:4700::1111]/',
    'http://[64:ff9b::8.8.8.8]/',
    'http://localhost.example.com/',
  ])('lets %s pass', (url) => {
    expect(refusal(url, nothing)).toBeUndefined()
  })

  test.each([
    ['', 'absolute'],
    ['/hook', 'absolute'],
    ['ftp://example.com/', 'http and https'],
    ['file:///etc/passwd', 'http and https'],
    ['http://user@example.com/', 'user name'],
    ['http://:secret@example.com/', 'user name'],
  ])('refuses %s even when all addresses are allowed', (url, reason) => {
    expect(refusal(url, { all: true, cidrs: [] })).toContain(reason)
  })

  test.each([
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.01/',
    'http://017700000001/',
    'http://127.1/',
    'http://127.0.1/',
    'http://127.0.0.1./',
    'http://①②⑦.0.0.1/',
    'http://127.255.255.254/',
    'http://[::1]/',
    'http://[0:0:0:0:0:0:0:1]/',
    'http://[::127.0.0.1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[64:ff9b::127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://bot.localhost:3000/',
  ])('takes %s for loopback', (url) => {
    expect(refusal(url, nothing)).toMatch(/\(loopback\).*ALLOW_PRIVATE_TARGETS/)
    expect(refusal(url, parseAllowance('loopback', false))).toBeUndefined()
    expect(refusal(url, parseAllowance('all', false))).toBeUndefined()
  })
})

describe('forbiddenRange', () => {
  test.each([
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['10.255.255.255', 'private'],
    ['100.64.0.1', 'carrier-grade-nat'],
    ['169.254.169.254', 'link-local'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.1', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['192.168.0.1', 'private'],
    ['198.18.0.1', 'reserved'],
    ['198.51.100.1', 'reserved'],
    ['203.0.113.1', 'reserved'],
    ['224.0.0.1', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::2', 'unspecified'],
    ['::ffff:0:8.8.8.8', 'rfc6145'],
    ['64:ff9b:1::808:808', 'rfc6052'],
    ['64:ff9b:1:ffff::8.8.8.8', 'rfc6052'],
    ['64:ff9b:2::1', 'reserved'],
    ['100::1', 'discard'],
    ['2001::1', 'teredo'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'teredo'],
    ['2001:2::1', 'benchmarking'],
    ['2001:db8::1', 'reserved'],
    ['2002:a9fe:a9fe::1', 'link-local'],
    ['3fff::1', 'reserved'],
    ['4000::1', 'reserved'],
    ['fc00::1', 'unique-local'],
    ['fd12:3456::1', 'unique-local'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['fec0::1', 'deprecated-site-local'],
    ['ff02::1', 'multicast'],
    ['no address', 'invalid'],
  ])('forbids %s as %s', (address, range) => {
    expect(forbiddenRange(address, nothing)).toBe(range)
    expect(forbiddenRange(address, { all: true, cidrs: [] })).toBeUndefined()
  })

  test.each(['9.255.255.255', '11.0.0.0', '172.15.255.255', '172.32.0.0', '100.63.255.255', '100.128.0.0'])(
    'allows %s, next to a forbidden range',
    (address) => expect(forbiddenRange(address, nothing)).toBeUndefined(),
  )

  test('opens the listed ranges and nothing beside them', () => {
    const allowance = parseAllowance('10.1.0.0/16, fd00::/8, 64:ff9b:1::/48', false)
    const isOpen = (address: string) => forbiddenRange(address, allowance) === undefined
    const open = ['10.1.255.255', '::ffff:10.1.0.1', '64:ff9b::a01:1', 'fdff::1', '64:ff9b:1::a00:1']
    const shut = ['10.2.0.0', '127.0.0.1', '::1', 'fc00::1', '::ffff:10.2.0.1', '64:ff9b::a02:1']
    expect(open.filter((address) => !isOpen(address))).toEqual([])
    expect(shut.filter(isOpen)).toEqual([])
  })
})

describe('every notation of an IPv4 address', () => {
  const octet = fc.integer({ min: 0, max: 255 })
  const special = fc.constantFrom(0, 10, 100, 127, 169, 172, 192, 198, 203, 224, 255)
  const second = fc.oneof(octet, fc.constantFrom(0, 16, 18, 64, 168, 254))
  const octets = fc.tuple(fc.oneof(octet, special), second, octet, octet)
  const allowances = fc.constantFrom('none', 'all', 'loopback', '10.0.0.0/8, 192.168.0.0/17')

  test('gets the same verdict', () => {
    fc.assert(
      fc.property(octets, allowances, (address, setting) => {
        const allowance = parseAllowance(setting, false)
        const verdicts = notations(address).map((host) => refusal(`http://${host}/`, allowance) === undefined)
        expect(new Set(verdicts).size).toBe(1)
        expect(verdicts[0]).toBe(forbiddenRange(address.join('.'), allowance) === undefined)
      }),
    )
  })
})

function notations([a, b, c, d]: [number, number, number, number]): string[] {
  const number = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
  const dotted = [a, b, c, d].join('.')
  const words = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  // ::0.0.0.1 is the IPv6 loopback address, not an IPv4 address.
  const compatible = number === 1 ? [] : [`[::${dotted}]`, `[::${words}]`]
  return [
    dotted,
    `${dotted}.`,
    String(number),
    `0x${number.toString(16)}`,
    `0${number.toString(8)}`,
    [a, b, c, d].map((part) => `0x${part.toString(16)}`).join('.'),
    [a, b, c, d].map((part) => `0${part.toString(8)}`).join('.'),
    `${a}.${b}.${(c << 8) | d}`,
    `${a}.${(b << 16) | (c << 8) | d}`,
    `[::ffff:${dotted}]`,
    `[::ffff:${words}]`,
    `[0:0:0:0:0:ffff:${words}]`,
    ...compatible,
    `[64:ff9b::${dotted}]`,
    `[64:ff9b::${words}]`,
    `[2002:${words}::1]`,
  ]
}
