import { FailureLimit } from '../http/passwords/failure-limit.js'
import { Bucket } from './token-bucket.js'

export interface SocketLimitsOptions {
  /** Connections that one network may open in a minute, and ten times as many to one client; 0: any number. */
  perMinute: number
  /** Users that one network may make in a minute; 0: any number. */
  usersPerMinute: number
  /** Open sockets of one network; 0: any number. */
  perNetwork: number
  /** Open sockets of one client; 0: any number. */
  perClient: number
}

/** How many networks a client is given room for. */
const NETWORKS = 10

/** Packets and bytes that all sockets of one network may send. */
const PACKETS = { burst: 6_000, perSecond: 1_000 }
const BYTES = { burst: 33_554_432, perSecond: 4_194_304 }

/** Sockets of one network that do not read as fast as they are sent to: each may hold a megabyte. */
const MAX_SLOW = 16

/** The sockets of one network or one client. */
interface Group {
  count: number
  slow: number
  packets: Bucket
  bytes: Bucket
}

/** The room of an open socket among others. */
export interface Room {
  /** Counts a packet of this size. Whether all sockets together send no more than they may. */
  take(size: number): boolean
  /** Counts it as one that reads slowly. Whether there may be one more. */
  slows(): boolean
  recovers(): void
  release(): void
}

/** What sockets may take, of one network and of one client. Each process counts for itself. */
export class SocketLimits {
  readonly #options: SocketLimitsOptions
  readonly #connections: FailureLimit
  readonly #ofClients: FailureLimit
  readonly #users: FailureLimit
  readonly #groups = new Map<string, Group>()

  constructor(options: SocketLimitsOptions) {
    const { perMinute, usersPerMinute } = options
    this.#options = options
    this.#connections = new FailureLimit({ perMinute })
    this.#ofClients = new FailureLimit({ perMinute: perMinute * NETWORKS })
    this.#users = new FailureLimit({ perMinute: usersPerMinute })
  }

  /** Counts a connection of a network. Whether it may be. */
  connects(network: string): boolean {
    return countIn(this.#connections, network)
  }

  /** Counts a connection to a client. Whether it may be. */
  reaches(clientId: string): boolean {
    return countIn(this.#ofClients, clientId)
  }

  /** Counts a user that a network makes. Whether it may be made. */
  makesUser(network: string): boolean {
    return countIn(this.#users, network)
  }

  /** Takes room for an open socket. Undefined if there is none. */
  open(of: { network: string } | { clientId: string }): Room | undefined {
    const [key, max, factor] =
      'network' in of
        ? [`network ${of.network}`, this.#options.perNetwork, 1]
        : [`client ${of.clientId}`, this.#options.perClient, NETWORKS]
    const group = this.#groups.get(key) ?? {
      ...{
        count: 0,
        slow: 0,
        packets: new Bucket(times(PACKETS, factor)),
        bytes: new Bucket(times(BYTES, factor)),
      },
    }
    if (max > 0 && group.count >= max) return undefined
    group.count += 1
    this.#groups.set(key, group)
    let isOpen = true
    return {
      take: (size) => group.packets.take(1) && group.bytes.take(size),
      slows: () => {
        if (group.slow >= MAX_SLOW * factor) return false
        group.slow += 1
        return true
      },
      recovers: () => {
        group.slow -= 1
      },
      release: () => {
        if (!isOpen) return
        isOpen = false
        group.count -= 1
        if (group.count === 0) this.#groups.delete(key)
      },
    }
  }
}

const times = ({ burst, perSecond }: typeof PACKETS, factor: number) => ({
  burst: burst * factor,
  perSecond: perSecond * factor,
})

/** Not of failures, but the same count. */
function countIn(limit: FailureLimit, key: string): boolean {
  if (limit.waitMs(key) > 0) return false
  limit.failed(key)
  return true
}
