import { bodyLimits } from '@plugboard/core'
import fc from 'fast-check'
import { Decoder, Encoder, type Packet, PacketType } from 'socket.io-parser'
import { expect, test } from 'vitest'
import { JsonText, PacketDecoder, PacketEncoder } from './packets.js'

function decoded(decoder: Decoder, text: unknown): Packet | undefined {
  let packet: Packet | undefined
  decoder.on('decoded', (each) => {
    packet = each
  })
  decoder.add(text)
  return packet
}

const event = (data: unknown[]): Packet => ({ type: PacketType.EVENT, nsp: '/', data })

test('JSON text is sent as the value that it says', () => {
  const property = fc.property(fc.json(), fc.string(), (json, offset) => {
    const [text] = new PacketEncoder().encode(event(['message', new JsonText(json), offset]))
    expect(decoded(new Decoder(), text)?.data).toEqual(['message', JSON.parse(json), offset])
    expect(text).toContain(json)
  })
  fc.assert(property)
})

test('other packets are sent as socket.io sends them', () => {
  const packets = [
    event(['message', { a: 1 }]),
    { type: PacketType.CONNECT, nsp: '/', data: { sid: 'a', pid: 'b' } },
    { type: PacketType.CONNECT_ERROR, nsp: '/', data: { message: 'a' } },
    { type: PacketType.DISCONNECT, nsp: '/' },
  ]
  for (const packet of packets)
    expect(new PacketEncoder().encode(packet)).toEqual(new Encoder().encode(packet))
})

test('packets of clients are read as socket.io reads them', () => {
  const { jsonLevels, jsonValues } = bodyLimits
  const deepest = `2["message",${'['.repeat(jsonLevels - 1)}${']'.repeat(jsonLevels - 1)}]`
  const widest = `2["message"${',0'.repeat(jsonValues - 1)}]`
  for (const text of [
    '0{"clientId":"a"}',
    '1',
    '2["message",{"request":"a"}]',
    '27["message"]',
    deepest,
    widest,
  ])
    expect(decoded(new PacketDecoder(), text)).toEqual(decoded(new Decoder(), text))
  for (const text of [deepest.replace('[[', '[[['), widest.replace(',0', ',0,0')])
    expect(() => new PacketDecoder().add(text)).toThrow(/^a packet may /)
})

test('packets that no client sends are not read', () => {
  for (const packet of ['3["a"]', '4{}', '51-["a"]', '61-[]', '7', '', Buffer.from('2["a"]'), 2, null])
    expect(() => new PacketDecoder().add(packet)).toThrow(/taken/)
  expect(() => new PacketDecoder().add(`0${JSON.stringify({ a: 'a'.repeat(17_000) })}`)).toThrow('at most')
})
