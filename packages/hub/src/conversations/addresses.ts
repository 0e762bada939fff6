import { type Alias, type Endpoint, type Id, isStorable, newId, PlugboardError } from '@plugboard/core'
import type { Channels } from '../channels/channels.js'
import type { ClientView } from '../clients/directory.js'
import { Collection, type Measure } from '../documents/collection.js'
import { type ChannelRef, decodeChannel, encodeChannel } from '../log/endpoint-record.js'
import type { Mapped, Store } from '../ports/store.js'
import type { Merges } from './merges.js'
import {
  isSettled,
  type KnownParty,
  keysOf,
  type Name,
  nextStep,
  type Party,
  settled,
  united,
  withAwaited,
  withName,
  withoutName,
} from './party-rules.js'

export interface AddressesOptions {
  store: Store
  channels: Pick<Channels, 'find'>
  merges: Pick<Merges, 'merge'>
  measure: Measure
}

/** A sender of a person, as events name it. */
export interface KnownSender {
  channel: ChannelRef
  identity: string
  sender: string
}

type Part = 'sender' | 'thread'
const PARTS: readonly Part[] = ['sender', 'thread']

/** Endpoints by which the store may know a conversation, the one for a new conversation first. */
export interface Located {
  endpoints: readonly [Endpoint, ...Endpoint[]]
  person?: KnownParty
}

/** Most aliases of an event, and most characters of each. */
const MAX_ALIASES = 10
const MAX_LENGTH = 512
/** Concurrent calls change the same parties; each round of one of them brings all further. */
const MAX_TRIES = 50
const PAGE = 100

/**
 * The addresses of persons and rooms that have more than one: which endpoints of the store are theirs, and where messages
 * go. Everything is in documents: a party, and for each of its addresses one that names it. Both are changed by
 * compare-and-set, and every sequence of changes can be begun anew at any step, since it is decided from what is there.
 */
export class Addresses {
  readonly #options: AddressesOptions
  readonly #parties: Collection<Party>
  readonly #names: Collection<{ place: string; value: string; party: Id }>

  constructor(options: AddressesOptions) {
    this.#options = options
    const { store, measure } = options
    this.#parties = new Collection<Party>(store, 'party', { termsOf: termsOfParty }, measure)
    this.#names = new Collection(
      store,
      'address',
      {
        nameOf: ({ place, value }) => nameOf(place, value),
        termsOf: ({ party, value }) => [`party ${party}`, valueTerm(value)],
      },
      measure,
    )
  }

  /** Where an event is from. `isSeen`: the person used this address now, so that messages go there. */
  async locate(
    client: ClientView,
    channel: ChannelRef,
    endpoint: Endpoint,
    { aliases = [], isSeen = false }: { aliases?: readonly Alias[]; isSeen?: boolean } = {},
  ): Promise<Located> {
    const uses = this.#uses(channel)
    if (uses.length === 0) return { endpoints: [endpoint] }
    const { sender, thread } = endpoint
    const found = uses.includes('sender')
      ? await this.#person(client, placeOf('sender', channel, endpoint), namesOf(sender, aliases))
      : undefined
    const person = found && isSeen ? await this.#seen(client, found, sender) : found
    const room =
      uses.includes('thread') && isRoom(endpoint)
        ? await this.#settledOf(client, placeOf('thread', channel, endpoint), threadName(endpoint))
        : undefined
    const threads = room ? room.data.keys.flatMap((name) => threadIn(name, sender) ?? []) : [thread]
    const senders = person?.data.keys ?? [sender]
    const [first = endpoint, ...others] = senders.flatMap((each) =>
      threads.map((its) => ({ ...endpoint, sender: each, thread: its })),
    )
    return { endpoints: [first, ...others], ...(person && { person }) }
  }

  /**
   * To be called with what the store has at the first endpoint of an event. True if it was created there while other
   * events were about the same person: then the event is to be located again.
   */
  async isOvertaken(
    client: ClientView,
    channel: ChannelRef,
    endpoint: Endpoint,
    { endpoints: [first], person }: Located,
    { userId, appended }: Pick<Mapped, 'userId' | 'appended'>,
  ): Promise<boolean> {
    const isNew = appended.length > 0
    if (!person) return isNew && this.#hasJoined(client, channel, endpoint)
    if (person.data.userId === userId) return false
    const isOnlyKey = ({ keys }: Party) => keys.every((key) => key === first.sender)
    const now = await this.#change(client, person.id, ({ awaited, ...known }) => ({
      ...{ ...known, userId },
      ...(awaited && !isOnlyKey(known) && { awaited }),
    }))
    return isNew && now !== undefined && !(isOnlyKey(now) && now.into === undefined && isSettled(now))
  }

  /** Whether a sender that had no party when a user or a conversation was created there has one now, which then has it. */
  async #hasJoined(
    client: ClientView,
    channel: ChannelRef,
    { identity, sender }: Endpoint,
  ): Promise<boolean> {
    if (!this.#uses(channel).includes('sender')) return false
    const place = placeOf('sender', channel, { identity })
    for (;;) {
      const party = await this.#partyOf(client, place, sender)
      if (!party) return false
      const changed = await this.#change(client, party.id, (known) =>
        known.into ? known : withAwaited(known, sender),
      )
      // It turned out to be another party before it was changed.
      if (changed && !changed.into) return true
    }
  }

  /** Up to `limit` users that have an address with this value, at any identity of any channel. Changes nothing. */
  async usersAt(client: ClientView, value: string, limit: number): Promise<Id[]> {
    if (!isAddress(value)) return []
    const names = await this.#names.list(client.id, { term: valueTerm(value), limit })
    const parties = await this.#parties.findAll(
      client.id,
      names.map(({ data }) => data.party),
    )
    return [...new Set([...parties.values()].flatMap(({ userId }) => userId ?? []))]
  }

  /** The senders that a user has beside that of its endpoints, for display. */
  async sendersOf(client: ClientView, userId: Id): Promise<KnownSender[]> {
    const parties = await this.#parties.list(client.id, { term: `user ${userId}`, limit: PAGE })
    return parties.flatMap(({ data: { place, names } }) => {
      const { part, channel, identity } = partsOf(place)
      return part === 'sender' ? names.map(({ value }) => ({ channel, identity, sender: value })) : []
    })
  }

  /** Where messages to an endpoint of the store go. Undefined if that is certainly the endpoint itself. */
  currentOf(client: ClientView, channel: ChannelRef, endpoint: Endpoint): Promise<Endpoint> | undefined {
    const uses = this.#uses(channel).filter((part) => part === 'sender' || isRoom(endpoint))
    return uses.length > 0 ? this.#currentOf(client, channel, endpoint, uses) : undefined
  }

  async #currentOf(client: ClientView, channel: ChannelRef, endpoint: Endpoint, uses: readonly Part[]) {
    const current = { ...endpoint }
    for (const part of uses) {
      const key = part === 'thread' ? threadName(endpoint) : endpoint.sender
      const term = keyTerm(placeOf(part, channel, endpoint), key)
      const [party] = await this.#parties.list(client.id, { term, limit: 1 })
      if (!party) continue
      const { current: now } = party.data
      current[part] = part === 'thread' ? (threadIn(now, endpoint.sender) ?? endpoint.thread) : now
    }
    return current
  }

  /** What was at an address is at another one from now on. May be called again. */
  async rename(client: ClientView, channel: ChannelRef, from: Endpoint, to: Endpoint): Promise<void> {
    if (from.identity !== to.identity || !PARTS.every((part) => isAddress(to[part]))) return
    for (const part of this.#uses(channel)) {
      if (from[part] === to[part]) continue
      const place = placeOf(part, channel, from)
      if (part === 'sender') await this.#renamePerson(client, place, from.sender, to.sender)
      else if (to.thread !== '*') await this.#renameRoom(client, channel, from, to.thread)
    }
  }

  /** Removes what is kept of the addresses of a user. */
  async forget(client: ClientView, userId: Id): Promise<void> {
    await this.#forgetAll(client, `user ${userId}`)
  }

  async #forgetAll(client: ClientView, term: string): Promise<void> {
    for (;;) {
      const parties = await this.#parties.list(client.id, { term, limit: PAGE })
      for (const { id } of parties) {
        await this.#forgetAll(client, `into ${id}`)
        for (const name of await this.#namesOf(client, id)) await this.#names.remove(client.id, name.id)
        await this.#parties.remove(client.id, id)
      }
      if (parties.length < PAGE) return
    }
  }

  #uses({ name, custom }: ChannelRef): readonly Part[] {
    return custom ? [] : (this.#options.channels.find(name)?.capabilities.renames ?? [])
  }

  /** The person whose names these are, once all of them are. Undefined for one name that has no party. */
  async #person(client: ClientView, place: string, names: readonly Name[]): Promise<KnownParty | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const found = await Promise.all(names.map(({ value }) => this.#partyOf(client, place, value)))
      if (names.length === 1 && !found[0]) return undefined
      const step = nextStep(names, found)
      switch (step.type) {
        case 'begin':
          await this.#begin(client, place, step.name)
          break
        case 'unite':
          await this.#unite(client, step.older, step.younger)
          break
        case 'join':
          await this.#join(client, step)
          break
        case 'done': {
          const person = await this.#settled(client, step.party)
          if (!person.data.into) return person
        }
      }
    }
    throw new PlugboardError('UNAVAILABLE', 'the addresses of a person change too fast')
  }

  async #settledOf(client: ClientView, place: string, value: string): Promise<KnownParty | undefined> {
    for (;;) {
      const party = await this.#partyOf(client, place, value)
      const known = party && (await this.#settled(client, party))
      if (!known?.data.into) return known
    }
  }

  /** The party of an address: what it turned out to be, if it did. */
  async #partyOf(client: ClientView, place: string, value: string): Promise<KnownParty | undefined> {
    const name = await this.#names.find(client.id, { name: nameOf(place, value) })
    if (!name) return undefined
    let party = await this.#parties.find(client.id, { id: name.data.party })
    for (let next = party?.data.into; party && next; next = party?.data.into) {
      if (party.data.isMoving) await this.#moveAll(client, party)
      party = await this.#parties.find(client.id, { id: next })
    }
    // Its user was deleted.
    if (!party) await this.#names.remove(client.id, name.id)
    return party
  }

  /** A party of one name, unless the name has one already. */
  async #begin(client: ClientView, place: string, name: Name, keys: string[] = [name.value]): Promise<void> {
    const id = newId()
    const { value } = name
    const party: Party = { place, keys, names: [{ ...name, isNew: true }], current: value }
    await this.#parties.insert(client.id, id, party)
    const isMade = await this.#names.insert(client.id, newId(), { place, value, party: id })
    if (!isMade) await this.#parties.remove(client.id, id)
  }

  /** The party is told before its address leads to it, so that no address of it is unknown to it. */
  async #join(client: ClientView, { party, name, from }: Extract<Join, { type: 'join' }>): Promise<void> {
    const { place } = party.data
    // The users that the store knows by a name that was reassigned are those of the other person.
    const isNew = from ? {} : ({ isNew: true } as const)
    await this.#change(client, party.id, (known) => withName(known, { ...name, ...isNew }))
    await this.#lead(client, place, name.value, party.id, from?.id)
    if (from) await this.#change(client, from.id, (known) => withoutName(known, name.value))
  }

  /** An address leads to a party, if it has led to nothing, or to `from`. */
  async #lead(client: ClientView, place: string, value: string, party: Id, from?: Id): Promise<void> {
    if (await this.#names.insert(client.id, newId(), { place, value, party })) return
    const name = await this.#names.find(client.id, { name: nameOf(place, value) })
    if (!name) return
    await this.#names.change(client.id, name.id, (known) =>
      known && from !== undefined && known.party === from ? { ...known, party } : known,
    )
  }

  async #unite(client: ClientView, older: KnownParty, younger: KnownParty): Promise<void> {
    await this.#change(client, younger.id, (known) =>
      known.into ? known : { ...known, into: older.id, isMoving: true },
    )
    const now = await this.#parties.find(client.id, { id: younger.id })
    if (now?.data.isMoving) await this.#moveAll(client, now)
  }

  /** Gives the party that this one turned out to be what this one has. */
  async #moveAll(client: ClientView, { id, data }: KnownParty): Promise<void> {
    let into = data.into
    for (let next = into; next; ) {
      const party: KnownParty | undefined = await this.#parties.find(client.id, { id: next })
      into = next
      next = party?.data.into
    }
    if (!into) return
    const older = into
    await this.#change(client, older, (known) => united(known, data))
    for (;;) {
      const names = await this.#namesOf(client, id)
      for (const name of names)
        await this.#names.change(client.id, name.id, (known) =>
          known?.party === id ? { ...known, party: older } : known,
        )
      if (names.length < PAGE) break
    }
    await this.#change(client, id, ({ isMoving: _, awaited: _moved, ...known }) => ({
      ...{ ...known, keys: [], names: [] },
    }))
  }

  /** With the users of all its keys merged. It may have turned out to be another party before. */
  async #settled(client: ClientView, party: KnownParty): Promise<KnownParty> {
    if (isSettled(party.data)) return party
    const { part, channel, identity } = partsOf(party.data.place)
    const users = part === 'sender' ? new Map<string, Id>() : undefined
    for (const sender of users ? keysOf(party.data) : []) {
      const user = await this.#options.store.findSender(client.id, channel, { identity, sender })
      if (user) users?.set(sender, user)
    }
    const [oldest, ...others] = [...new Set(users?.values())].sort()
    for (const user of others) if (oldest) await this.#options.merges.merge(client, oldest, user)
    let isOfNow = false
    const data = await this.#change(client, party.id, (now) => {
      isOfNow = isDeepEqual(whatIsSettled(now), whatIsSettled(party.data))
      const next = settled(now, users)
      return isOfNow && !isDeepEqual(next, now) ? next : now
    })
    if (!data) return party
    const known = { id: party.id, data }
    return isOfNow ? known : this.#settled(client, known)
  }

  async #seen(client: ClientView, party: KnownParty, sender: string): Promise<KnownParty> {
    if (party.data.current === sender) return party
    const data = await this.#change(client, party.id, (known) => ({ ...known, current: sender }))
    return data ? { id: party.id, data } : party
  }

  /**
   * Both threads are of one room, whose messages go to the new one. The chat with one person is that person's: what is
   * known of it is removed with the user, and a conversation that is there by its thread is the one of both.
   */
  async #renameRoom(client: ClientView, channel: ChannelRef, from: Endpoint, to: string): Promise<void> {
    const names = [{ value: threadName(from) }, { value: to }]
    const isOfOne = from.thread === '*'
    const room = await this.#person(
      client,
      placeOf('thread', channel, from),
      isOfOne ? names.reverse() : names,
    )
    if (!room) return
    const user = isOfOne ? await this.#options.store.findSender(client.id, channel, from) : undefined
    if (user) await this.#change(client, room.id, (known) => ({ ...known, userId: user }))
    await this.#seen(client, room, to)
  }

  /** The new sender is this person's, whoever had it; the old one is free for somebody else. */
  async #renamePerson(client: ClientView, place: string, from: string, to: string): Promise<void> {
    const there = await this.#partyOf(client, place, to)
    if (there?.data.past?.includes(from)) return this.#giveUp(client, place, there.id, from)
    const { channel, identity } = partsOf(place)
    let party = await this.#settledOf(client, place, from)
    if (!party) {
      if (!(await this.#options.store.findSender(client.id, channel, { identity, sender: from }))) return
      await this.#begin(client, place, { value: from })
      party = await this.#settledOf(client, place, from)
    }
    if (!party) return
    const { id, data } = party
    const { isReassignable } = data.names.find(({ value }) => value === from) ?? {}
    await this.#change(client, id, (known) => ({
      ...withName(withoutName(known, from), { value: to, ...(isReassignable && { isReassignable }) }),
      past: [...new Set([...(known.past ?? []), from])],
      current: to,
    }))
    await this.#lead(client, place, to, id, there?.id)
    if (there && there.id !== id) await this.#change(client, there.id, (known) => withoutName(known, to))
    await this.#giveUp(client, place, id, from)
  }

  /** A sender leads to a new person, whom the store does not know yet by any key. */
  async #giveUp(client: ClientView, place: string, party: Id, value: string): Promise<void> {
    const name = await this.#names.find(client.id, { name: nameOf(place, value) })
    if (name?.data.party !== party) return
    const id = newId()
    const fresh: Party = { place, keys: [], names: [{ value }], current: value }
    await this.#parties.insert(client.id, id, withAwaited(fresh, `${value} ${id}`))
    const led = await this.#names.change(client.id, name.id, (known) =>
      known?.party === party ? { ...known, party: id } : known,
    )
    if (led?.party !== id) await this.#parties.remove(client.id, id)
  }

  #namesOf(client: ClientView, party: Id) {
    return this.#names.list(client.id, { term: `party ${party}`, limit: PAGE })
  }

  /** Undefined if it does not exist any more. */
  #change(client: ClientView, id: Id, change: (party: Party) => Party): Promise<Party | undefined> {
    return this.#parties.change(client.id, id, (known) => known && change(known))
  }
}

type Join = ReturnType<typeof nextStep>

/** Without repetitions; a name that is reassignable at one place in the event is so everywhere. */
function namesOf(sender: string, aliases: readonly Alias[]): Name[] {
  const names = new Map<string, Name>([[sender, { value: sender }]])
  for (const { sender: value, isReassignable } of aliases.slice(0, MAX_ALIASES)) {
    if (!isAddress(value)) continue
    names.set(value, { value, ...(isReassignable && { isReassignable }) })
  }
  return [...names.values()]
}

const isAddress = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_LENGTH && isStorable(value)

/** Whether the thread is not the person's own. */
const isRoom = ({ sender, thread }: Endpoint): boolean => thread !== sender

/** What a thread is known by: that of all that a person writes is of this person alone. */
const threadName = ({ sender, thread }: Endpoint): string => (thread === '*' ? `* ${sender}` : thread)

/** The thread with this name, as a person knows it. Undefined for that of all that another one writes. */
function threadIn(name: string, sender: string): string | undefined {
  if (!name.startsWith('* ')) return name
  return name === `* ${sender}` ? '*' : undefined
}

const placeOf = (part: Part, channel: ChannelRef, { identity }: Pick<Endpoint, 'identity'>): string =>
  JSON.stringify([part, encodeChannel(channel), identity])

function partsOf(place: string): { part: Part; channel: ChannelRef; identity: string } {
  const [part, channel, identity] = JSON.parse(place) as [Part, string, string]
  return { part, channel: decodeChannel(channel, false), identity }
}

const nameOf = (place: string, value: string): string => `${place} ${value}`

const keyTerm = (place: string, key: string): string => `key ${nameOf(place, key)}`

const valueTerm = (value: string): string => `value ${value}`

const termsOfParty = ({ place, keys, userId, into }: Party): string[] => [
  ...keys.map((key) => keyTerm(place, key)),
  ...(userId ? [`user ${userId}`] : []),
  ...(into ? [`into ${into}`] : []),
]

/** What a change of means that the users of a party are to be looked up again. */
const whatIsSettled = ({ keys, names, awaited, into }: Party) => [keys, names, awaited, into]

const isDeepEqual = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
