import { jsonFault } from '@plugboard/core'
import { Decoder, Encoder, type Packet, PacketType } from 'socket.io-parser'

/** JSON text that is sent as it is: payloads stay byte for byte, and are neither parsed nor searched for binary data. */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Packets that are sent. */
export class PacketEncoder extends Encoder {
  override encode(packet: Packet): unknown[] {
    const [event, body, offset] = packet.type === PacketType.EVENT ? (packet.data as unknown[]) : []
    if (!(body instanceof JsonText)) return super.encode(packet)
    return [`${packet.type}[${JSON.stringify(event)},${body.text},${JSON.stringify(offset)}]`]
  }
}

/** The packets that clients of the Messaging API send: nothing binary, no acknowledgements. */
const TAKEN: ReadonlySet<string> = new Set(
  [PacketType.CONNECT, PacketType.DISCONNECT, PacketType.EVENT].map(String),
)

/** Longest packet that is not an event, in characters: credentials, and where a connection continues. */
const MAX_OTHERS = 16_384

/** Packets that are received. Kind, size, depth and number of values are checked before anything is parsed. */
export class PacketDecoder extends Decoder {
  /** @throws Error for a packet that is not taken; the connection ends then */
  override add(packet: unknown): void {
    if (typeof packet !== 'string') throw new Error('binary packets are not taken')
    const type = packet.charAt(0)
    if (!TAKEN.has(type)) throw new Error('this type of packet is not taken')
    if (type !== String(PacketType.EVENT) && packet.length > MAX_OTHERS)
      throw new Error(`this packet may have ${MAX_OTHERS} characters at most`)
    const fault = jsonFault(Buffer.from(packet))
    if (fault !== undefined) throw new Error(`a packet ${fault}`)
    super.add(packet)
  }
}
