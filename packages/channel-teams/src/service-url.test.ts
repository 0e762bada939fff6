import { expect, test } from 'vitest'
import { serviceUrlIn } from './service-url.js'

test.each([
  'https://smba.trafficmanager.net/teams',
  'https://smba.trafficmanager.net/amer-client-ss.msg',
  'https://canary.botapi.skype.com/amer',
  'https://smba.infra.gcc.teams.microsoft.com/teams',
  'https://smba.infra.gov.teams.microsoft.us/teams',
])('%s is a Bot Connector, with a slash at its end too', (url) => {
  expect(serviceUrlIn(url)).toBe(url)
  expect(serviceUrlIn(`${url}/`)).toBe(url)
})

test.each([
  'http://smba.trafficmanager.net/teams',
  'https://smba.trafficmanager.net:8443/teams',
  'https://user:password@smba.trafficmanager.net/teams',
  'https://smba.trafficmanager.net/teams?a=b',
  'https://smba.trafficmanager.net/teams#a',
  'https://evil.trafficmanager.net/teams',
  'https://smba.trafficmanager.net.evil.example/teams',
  'https://evilteams.microsoft.com.example/teams',
  'https://notbotapi.skype.com.evil.example',
  'https://127.0.0.1/teams',
  `https://smba.trafficmanager.net/${'a'.repeat(600)}`,
  'smba.trafficmanager.net',
  '',
  7,
  undefined,
])('%s is none', (url) => {
  expect(serviceUrlIn(url)).toBeUndefined()
})
