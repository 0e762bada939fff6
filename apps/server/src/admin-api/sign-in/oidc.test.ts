import { describe, expect, test } from 'vitest'
import { readConfig } from '../../config/read-config.js'
import { roleOf } from './oidc.js'

const rulesOf = (OIDC_ROLES: string) =>
  readConfig({ env: { OIDC_ISSUER: 'https://id.example.org', OIDC_CLIENT_ID: 'x', OIDC_ROLES } }).oidcRoles ??
  []

describe('OIDC_ROLES', () => {
  test.each<[string, object, string | undefined]>([
    ['groups:ops=admin', { groups: ['others', 'ops'] }, 'admin'],
    ['groups:ops=admin', { groups: 'ops' }, 'admin'],
    ['groups:ops=admin', { groups: ['others'] }, undefined],
    ['groups:ops=admin', {}, undefined],
    ['groups:undefined=admin', {}, undefined],
    ['groups:null=admin', { groups: null }, undefined],
    ['groups:ops=viewer, groups:boss=admin, *=operator', { groups: ['boss', 'ops'] }, 'admin'],
    ['groups:ops=viewer,*=operator', { groups: ['ops'] }, 'operator'],
    ['*=viewer', {}, 'viewer'],
    ['realm_access.roles:ops=admin', { realm_access: { roles: ['ops'] } }, 'admin'],
    ['https://example.org/roles:ops=admin', { 'https://example.org/roles': ['ops'] }, 'admin'],
    ['cognito:groups:ops=admin', { 'cognito:groups': ['ops'] }, 'admin'],
    ['isStaff:true=viewer', { isStaff: true }, 'viewer'],
    ['toString:x=admin, constructor.name:Object=admin', {}, undefined],
  ])('%s for %j gives %s', (text, claims, role) => {
    expect(roleOf(rulesOf(text), claims)).toBe(role)
  })

  test.each(['groups=admin', 'groups:ops=owner', 'groups:ops', '=admin', ':ops=admin', 'a:b=admin,'])(
    '%s is refused',
    (text) => {
      expect(() => rulesOf(text)).toThrow(/OIDC_ROLES/)
    },
  )

  test('needs to be known at the provider', () => {
    expect(() => readConfig({ env: { OIDC_ISSUER: 'https://id.example.org' } })).toThrow(/OIDC_CLIENT_ID/)
    for (const OIDC_ISSUER of [
      'http://id.example.org',
      'https://a:b@id.example.org',
      'https://id.example.org/?x',
    ])
      expect(() => readConfig({ env: { OIDC_ISSUER, OIDC_CLIENT_ID: 'x' } })).toThrow(/OIDC_ISSUER/)
  })
})
