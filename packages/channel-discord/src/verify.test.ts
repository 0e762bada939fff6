import { describe, expect, test } from 'vitest'
import { config, load, signatureOf } from '../test/stage.js'
import type { Config } from './config.js'

const body = Buffer.from('{"type":1}')

async function verdict(headers: Record<string, string>, own: Config = config, signed: Uint8Array = body) {
  const runtime = await load('https://discord.com/api/v10')
  const integration = { clientId: 'acme', id: 'i', name: 'main', config: own, session: runtime.connect(own) }
  return runtime.verify(
    { method: 'POST', publicUrl: 'https://hub.example/', headers, body: signed },
    integration,
  )
}

describe('a request', () => {
  test('is of Discord if its key signed the time and the bytes', async () => {
    expect(await verdict(signatureOf(body, config, new Date()))).toEqual({ ok: true })
    const bytes = Buffer.from([0xff, 0xfe, 0x00])
    expect(await verdict(signatureOf(bytes, config, new Date()), config, bytes)).toEqual({ ok: true })
  })

  test('is refused with another time than the one that is signed', async () => {
    const headers = signatureOf(body, config, new Date())
    const later = String(Number(headers['x-signature-timestamp']) + 1)
    expect(await verdict({ ...headers, 'x-signature-timestamp': later })).toEqual({
      ok: false,
      reason: 'mismatch',
    })
  })

  test.each([-299, 299])('is accepted %i seconds off', async (seconds) => {
    const at = new Date(Date.now() + seconds * 1000)
    expect(await verdict(signatureOf(body, config, at))).toEqual({ ok: true })
  })

  test.each([-302, 302])('is refused %i seconds off', async (seconds) => {
    const at = new Date(Date.now() + seconds * 1000)
    expect(await verdict(signatureOf(body, config, at))).toEqual({ ok: false, reason: 'stale' })
  })

  test('is refused without a key, or with one that is not on the curve', async () => {
    const headers = signatureOf(body, config, new Date())
    const { publicKey: _, ...keyless } = config
    expect(await verdict(headers, keyless)).toEqual({ ok: false, reason: 'mismatch' })
    for (const publicKey of ['0'.repeat(64), 'f'.repeat(64), '02'.padEnd(64, '0')])
      expect(await verdict(headers, { ...config, publicKey })).toEqual({ ok: false, reason: 'mismatch' })
  })

  test.each(['', 'x', '0'.repeat(128), 'z'.repeat(128), '0'.repeat(126)])(
    'is refused with the signature %j',
    async (signature) => {
      const headers = { ...signatureOf(body, config, new Date()), 'x-signature-ed25519': signature }
      expect(await verdict(headers)).toMatchObject({ ok: false })
    },
  )
})
