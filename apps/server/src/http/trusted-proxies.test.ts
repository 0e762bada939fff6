import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { networkOf, TrustedProxies } from './trusted-proxies.js'

const proxies = new TrustedProxies(['127.0.0.0/8', '::1/128', '10.0.0.0/8', 'fd00::/8'])
const PROXY = '10.0.0.1'

type Row = [peer: string, headers: Record<string, string>, address: string, what: string]

describe('the address of a caller', () => {
  test.each<Row>([
    ['203.0.113.7', {}, '203.0.113.7', 'is the peer'],
    [
      '203.0.113.7',
      { 'x-forwarded-for': '1.1.1.1' },
      '203.0.113.7',
      'is a peer that is no proxy, whatever it says',
    ],
    [
      '203.0.113.7',
      { forwarded: 'for=1.1.1.1' },
      '203.0.113.7',
      'is a peer that is no proxy, whatever it says',
    ],
    [PROXY, {}, PROXY, 'is a proxy that says nothing'],
    [PROXY, { 'x-forwarded-for': '198.51.100.1' }, '198.51.100.1', 'is what the proxy added'],
    [PROXY, { 'x-forwarded-for': '1.1.1.1, 198.51.100.1' }, '198.51.100.1', 'is not what the caller wrote'],
    [PROXY, { 'x-forwarded-for': '127.0.0.1, 198.51.100.1' }, '198.51.100.1', 'is not what the caller wrote'],
    [PROXY, { 'x-forwarded-for': 'nonsense, 198.51.100.1' }, '198.51.100.1', 'is not what the caller wrote'],
    [
      PROXY,
      { 'x-forwarded-for': '1.1.1.1, 198.51.100.1, 10.9.9.9' },
      '198.51.100.1',
      'is before all proxies',
    ],
    [
      PROXY,
      { 'x-forwarded-for': '10.2.2.2, 10.3.3.3' },
      '10.2.2.2',
      'is the first proxy where there is nothing else',
    ],
    [PROXY, { 'x-forwarded-for': '198.51.100.1:4711' }, '198.51.100.1', 'has no port'],
    [PROXY, { 'x-forwarded-for': '2001:DB8:0::1' }, '2001:db8::1', 'is in one form'],
    [PROXY, { 'x-forwarded-for': '[2001:db8::1]:443' }, '2001:db8::1', 'has no port'],
    [PROXY, { 'x-forwarded-for': '::ffff:198.51.100.1' }, '198.51.100.1', 'is IPv4 where it is mapped'],
    [
      `::ffff:${PROXY}`,
      { 'x-forwarded-for': '198.51.100.1' },
      '198.51.100.1',
      'comes from a mapped proxy too',
    ],
    ['::ffff:203.0.113.7', {}, '203.0.113.7', 'is IPv4 where it is mapped'],
    ['fe80::1%eth0', {}, 'fe80::1', 'has no zone'],
    [PROXY, { 'x-forwarded-for': 'unknown' }, PROXY, 'is the peer where it is hidden'],
    [PROXY, { 'x-forwarded-for': '' }, PROXY, 'is the peer where there is none'],
    [PROXY, { 'x-forwarded-for': ',' }, PROXY, 'is the peer where there is none'],
    [PROXY, { 'x-forwarded-for': '198.51.100.1, nonsense' }, PROXY, 'is the peer where it is malformed'],
    [PROXY, { 'x-forwarded-for': '198.51.100.1 10.0.0.1' }, PROXY, 'is the peer where it is malformed'],
    [PROXY, { 'x-forwarded-for': '1' }, PROXY, 'is no number'],
    [PROXY, { 'x-forwarded-for': '0x7f.1' }, PROXY, 'is no number'],
    [
      PROXY,
      { 'x-forwarded-for': '1.1.1.1,'.repeat(40) + '10.0.0.1,'.repeat(40).slice(0, -1) },
      PROXY,
      'is the peer after too many hops',
    ],
    [PROXY, { forwarded: 'for=198.51.100.1' }, '198.51.100.1', 'is what the proxy added'],
    [PROXY, { forwarded: 'For="198.51.100.1:80";proto=https;by=10.0.0.1' }, '198.51.100.1', 'may be quoted'],
    [
      PROXY,
      { forwarded: 'proto=http; for="[2001:db8:cafe::17]:4711"' },
      '2001:db8:cafe::17',
      'may be IPv6 in quotes',
    ],
    [PROXY, { forwarded: 'for="\\1\\9\\8.51.100.1"' }, '198.51.100.1', 'may be escaped'],
    [
      PROXY,
      { forwarded: 'for=1.1.1.1, for=198.51.100.1, for=10.1.1.1' },
      '198.51.100.1',
      'is before all proxies',
    ],
    [PROXY, { forwarded: 'for=_hidden, for=198.51.100.1' }, '198.51.100.1', 'is not what the caller wrote'],
    [
      PROXY,
      { forwarded: 'for="a, for=b", for=198.51.100.1' },
      '198.51.100.1',
      'is not what the caller wrote',
    ],
    [PROXY, { forwarded: 'for=198.51.100.1, for=_hidden' }, PROXY, 'is the peer where it is hidden'],
    [PROXY, { forwarded: 'for=unknown' }, PROXY, 'is the peer where it is hidden'],
    [PROXY, { forwarded: 'proto=https' }, PROXY, 'is the peer where none is named'],
    [PROXY, { forwarded: 'for=2001:db8::1' }, PROXY, 'is the peer where it is malformed'],
    [PROXY, { forwarded: 'for=' }, PROXY, 'is the peer where it is malformed'],
    [PROXY, { forwarded: 'for=198.51.100.1;' }, PROXY, 'is the peer where it is malformed'],
    [PROXY, { forwarded: 'for="198.51.100.1' }, PROXY, 'is the peer where it is malformed'],
    [
      PROXY,
      { forwarded: 'for=1.1.1.1;x=", for="198.51.100.1:80"' },
      PROXY,
      'is not swallowed by a quote of the caller',
    ],
    [
      PROXY,
      { forwarded: 'for=198.51.100.1', 'x-forwarded-for': '198.51.100.1' },
      '198.51.100.1',
      'may be in both',
    ],
    [
      PROXY,
      { forwarded: 'for=1.1.1.1', 'x-forwarded-for': '198.51.100.1' },
      PROXY,
      'is the peer where both disagree',
    ],
    [
      PROXY,
      { forwarded: 'nonsense', 'x-forwarded-for': '198.51.100.1' },
      PROXY,
      'is the peer where both disagree',
    ],
  ])('of %s with %j: %s (%4$s)', (peer, headers, address, _) => {
    expect(proxies.callerOf(peer, headers)).toBe(address)
  })

  test('is the peer, whatever it says, where no proxy is trusted', () => {
    const none = new TrustedProxies([])
    expect(none.callerOf('127.0.0.1', { 'x-forwarded-for': '1.1.1.1' })).toBe('127.0.0.1')
    expect(none.callerOf(undefined, {})).toBe('unknown')
  })

  test('is never one that the caller chose, whatever the caller wrote before the proxy', () => {
    const mine = fc.oneof(
      fc.string(),
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ unit: fc.constantFrom(...',;"\\=:[] for1._') }),
    )
    fc.assert(
      fc.property(mine, fc.boolean(), (written, isQuoted) => {
        const added = isQuoted ? 'for="198.51.100.1:80"' : 'for=198.51.100.1'
        for (const headers of [
          { 'x-forwarded-for': `${written}, 198.51.100.1` },
          { forwarded: `${written}, ${added}` },
          { forwarded: written, 'x-forwarded-for': '198.51.100.1' },
          { forwarded: added, 'x-forwarded-for': written },
        ])
          expect(['198.51.100.1', PROXY]).toContain(proxies.callerOf(PROXY, headers))
      }),
    )
  })
})

describe('the network of an address', () => {
  test.each([
    ['198.51.100.1', '198.51.100.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['unknown', 'unknown'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})
