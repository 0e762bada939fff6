import { isIP } from 'node:net'
import { Client } from 'undici'
import { expect, test } from 'vitest'
import { parseAllowance, refusal } from './guard.js'
import { guardedConnect, type Lookup } from './guarded-connect.js'

const nothing = parseAllowance('none', false)

/** Hosts that lead into a network of the operator's, or nowhere, in the ways in which they can be written. */
const hosts: Readonly<Record<string, readonly string[]>> = {
  'loopback, as a number': [
    ...['2130706433', '0x7f000001', '0x7F000001', '017700000001', '0000017700000001', '0x000000007f000001'],
  ],
  'loopback, part by part': [
    ...['127.0.0.1', '127.0.0.1.', '127.1', '127.0.1', '127.0x1', '0x7f.1', '0177.1', '0x7f.0.0.1'],
    ...[
      '0177.0.0.01',
      '0x7f.0x0.0x0.0x1',
      '0177.0x0.0.01',
      '127.000.000.001',
      '127.255.255.254',
      '127.65530',
    ],
  ],
  'loopback, in other letters': [
    ...[
      '１２７.０.０.１',
      '①②⑦.0.0.1',
      '127。0。0。1',
      '127．0．0．1',
      '127｡0｡0｡1',
      '%31%32%37.0.0.1',
      '127.0.0.%31',
    ],
    ...['𝟏𝟐𝟕.𝟎.𝟎.𝟏', '0𝐱7f.1', '127%2e0%2e0%2e1', '1\u00AD27.0.0.1', '１27.0.0.1'],
  ],
  'loopback by name': [
    ...[
      'localhost',
      'LOCALHOST',
      'localhost.',
      'LocalHost.',
      'bot.localhost',
      'bot.localhost.',
      'a.b.c.localhost',
    ],
    ...['ｌｏｃａｌｈｏｓｔ', 'ⓛocalhost', 'local\u00ADhost', '%6cocalhost', 'localho%73t', 'localhoſt'],
  ],
  'loopback as IPv6': [
    ...['[::1]', '[0:0:0:0:0:0:0:1]', '[0000:0000:0000:0000:0000:0000:0000:0001]', '[::0001]', '[0::1]'],
    ...['[::127.0.0.1]', '[::7f00:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::FFFF:7F00:0001]'],
    ...['[0:0:0:0:0:ffff:127.0.0.1]', '[64:ff9b::127.0.0.1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]'],
    ...['[2002:7f00:0001::1]', '[::ffff:0:127.0.0.1]', '[::ffff:0:7f00:1]', '[64:ff9b:1::7f00:1]'],
  ],
  'metadata of clouds': [
    ...[
      '169.254.169.254',
      '169.254.169.254.',
      '2852039166',
      '0xa9fea9fe',
      '0xA9.0xFE.0xA9.0xFE',
      '0251.0376.0251.0376',
    ],
    ...['025177524776', '169.16689662', '169.254.43518', '１６９.254.169.254', '[::ffff:169.254.169.254]'],
    ...['[::ffff:a9fe:a9fe]', '[::169.254.169.254]', '[64:ff9b::169.254.169.254]', '[64:ff9b::a9fe:a9fe]'],
    ...['[2002:a9fe:a9fe::]', '[fd00:ec2::254]', '[fd00:0ec2:0:0:0:0:0:254]', '[fd20:ce::254]'],
    ...['169.254.170.2', '100.100.100.200', '192.0.0.192', '169.254.0.23', '[fe80::a9fe:a9fe]'],
  ],
  'private ranges': [
    ...['10.0.0.1', '10.255.255.255', '10.1', '0xa.1', '012.0.0.1', '167772161', '0x0a000001', '①⓪.0.0.1'],
    ...['172.16.0.1', '172.31.255.255', '172.16.1', '0xac.0x10.0.1', '2886729729', '[::ffff:172.16.0.1]'],
    ...['192.168.0.1', '192.168.255.255', '192.168.1', '0xc0.0xa8.0.1', '3232235521', '030052000001'],
    ...['[::ffff:10.0.0.1]', '[::ffff:a00:1]', '[::10.0.0.1]', '[64:ff9b::10.0.0.1]', '[2002:a00:1::]'],
    ...['[::ffff:192.168.0.1]', '[::ffff:c0a8:1]', '[64:ff9b::c0a8:1]', '[2002:c0a8:1::1]'],
  ],
  'nowhere, and this network': [
    ...['0.0.0.0', '0', '0x0', '00', '0.0.0.0.', '0.1.2.3', '０.０.０.０', '[::]', '[0::0]', '[::0.0.0.0]'],
    ...['[::ffff:0.0.0.0]', '[::ffff:0:0]', '[64:ff9b::0.0.0.0]', '[2002::]', '[::2]', '[::ffff:1]'],
  ],
  'shared, documentation, benchmarks, protocols': [
    ...['100.64.0.1', '100.127.255.255', '[::ffff:100.64.0.1]', '192.0.0.1', '192.0.2.1', '198.51.100.1'],
    ...['203.0.113.1', '198.18.0.1', '198.19.255.255', '192.88.99.1', '[2001:db8::1]', '[3fff::1]'],
    ...['[2001:2::1]', '[2001:10::1]', '[2001:20::1]', '[100::1]', '[5f00::1]'],
  ],
  'many at once, and the rest': [
    ...['224.0.0.1', '239.255.255.250', '[ff02::1]', '[ff05::2]', '[::ffff:224.0.0.1]', '240.0.0.1'],
    ...['255.255.255.255', '4294967295', '0xffffffff', '037777777777', '[::ffff:255.255.255.255]'],
    ...['[2002:e000:1::]', '[4000::1]', '[8000::1]', '[64:ff9b:2::1]', '[1::1]'],
  ],
  'local to a link or a site, and Teredo': [
    ...['169.254.0.1', '[fe80::1]', '[febf::1]', '[fec0::1]', '[fc00::1]', '[fd00::1]', '[fdff:ffff::1]'],
    ...[
      '[2001::1]',
      '[2001:0:4136:e378:8000:63bf:3fff:fdd2]',
      '[2001:0:7f00:1::]',
      '[64:ff9b:1:ffff::10.0.0.1]',
    ],
  ],
}

/** What the host is not to blame for. */
const others = [
  ...[
    '',
    ' ',
    '/hook',
    '//example.com/',
    'example.com',
    'http://',
    'http:///',
    'http://?',
    'http://[',
    'http://[::1',
  ],
  ...[
    'ftp://example.com/',
    'file:///etc/passwd',
    'file://localhost/etc/passwd',
    'gopher://example.com/',
    'ws://x.example/',
  ],
  ...[
    'wss://x.example/',
    'javascript:alert(1)',
    'data:text/plain,x',
    'blob:http://x.example/1',
    'dict://x.example:11211/',
  ],
  ...[
    'ldap://x.example/',
    'jar:http://x.example!/',
    'view-source:http://x.example/',
    'unix:/var/run/docker.sock',
  ],
  ...[
    'http+unix://%2Fvar%2Frun%2Fdocker.sock/',
    'about:blank',
    'mailto:me@x.example',
    'tftp://x.example/',
    'ssh://x.example',
  ],
  ...[
    'http://user@x.example/',
    'http://user:secret@x.example/',
    'http://:secret@x.example/',
    'http://%00@x.example/',
  ],
  ...[
    'http://x.example@127.0.0.1/',
    'http://127.0.0.1@x.example/',
    'http://x.example%00.evil/',
    'http://x.example:99999/',
  ],
  ...[
    'http://256.256.256.256/',
    'http://1.2.3.4.5/',
    'http://0x100000000/',
    'http://127.0.0.1%0a/',
    'http://[::1%25eth0]/',
  ],
  ...[
    'http://[fe80::1%25lo]/',
    'http://[::ffff:127.0.0.1%25lo]/',
    'http://127.0.0.1\t@x.example/',
    'http://x y/',
  ],
]

/** The same host in URLs with all that may stand around it. */
const forms = [
  (host: string) => `http://${host}/`,
  (host: string) => `https://${host}:8443/hook?url=http://example.com/#example.com`,
  (host: string) => `HTTP:\\\\${host}\\hook`,
  (host: string) => `\thttp://${host}\n`,
]

test('has a table worth its name', () => {
  expect(Object.values(hosts).flat().length + others.length).toBeGreaterThanOrEqual(175)
  expect(new Set(Object.values(hosts).flat()).size).toBe(Object.values(hosts).flat().length)
})

test.each(Object.entries(hosts))('%s: no way to write it gets through', (_, list) => {
  const urls = list.flatMap((host) => forms.map((form) => form(host)))
  expect(urls.filter((url) => refusal(url, nothing) === undefined)).toEqual([])
})

test('nothing but a plain http or https URL gets through, not even where every address may be called', () => {
  const everything = parseAllowance('all', false)
  expect(others.filter((url) => refusal(url, everything) === undefined)).toEqual([])
})

/** What the URL parser makes of the hosts above that are addresses: what a resolver may answer for any name. */
const addresses = [
  ...new Set(
    Object.values(hosts)
      .flat()
      .map((host) => new URL(`http://${host}/`).hostname.replace(/^\[|\]$/g, ''))
      .filter((host) => isIP(host) !== 0),
  ),
]

test('no name gets through that leads to one of these addresses, alone or beside a public one', async () => {
  const reached: string[] = []
  for (const address of addresses) {
    for (const list of [[address], ['93.184.216.34', address]]) {
      const lookup: Lookup = (_name, _options, callback) =>
        setImmediate(
          callback,
          null,
          list.map((each) => ({ address: each, family: isIP(each) })),
        )
      const client = new Client('http://innocent.example', { connect: guardedConnect(nothing, { lookup }) })
      const outcome = await client.request({ method: 'GET', path: '/' }).catch((error: unknown) => error)
      if (!(outcome instanceof Error && 'code' in outcome && outcome.code === 'ERR_TARGET_FORBIDDEN'))
        reached.push(list.join(' '))
      await client.destroy()
    }
  }
  expect(reached).toEqual([])
})
