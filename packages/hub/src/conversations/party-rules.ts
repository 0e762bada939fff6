import type { Id } from '@plugboard/core'

/** One of the addresses of a party: a sender of a person, a thread of a room. */
export interface Name {
  value: string
  /** It may be another person's later. */
  isReassignable?: true
  /** The store may know a user by it that the party does not know of. */
  isNew?: true
}

/** A person, or a room, that has or had more than one address at an identity of a channel. */
export interface Party {
  /** The part of endpoints, the channel and the identity, as JSON text. */
  place: string
  /**
   * The values in endpoints of the store by which it is found there, that of new endpoints first. They stay when its
   * address changes, and need not be an address of it any more.
   */
  keys: string[]
  names: Name[]
  /**
   * Those of its keys at which an event may be about to create a user, or has just done so. They are looked up until there
   * is one.
   */
  awaited?: string[]
  /** The address that messages go to. */
  current: string
  /** Senders that it gave up. */
  past?: string[]
  /** Of a person. */
  userId?: Id
  /** Its keys may be those of several users. */
  isOpen?: true
  /** The party that it turned out to be, which gets what it has. */
  into?: Id
  /** Not everything was given to that one yet. */
  isMoving?: true
}

export interface KnownParty {
  id: Id
  data: Party
}

/** What is to be done next, so that all names of an event are of one party. */
export type Step =
  /** None of them has a party that it can be: this one makes one. */
  | { type: 'begin'; name: Name }
  /** Two parties are one. */
  | { type: 'unite'; older: KnownParty; younger: KnownParty }
  /** A name becomes one of the party; `from`: it was of that one, whose it is no more. */
  | { type: 'join'; party: KnownParty; name: Name; from?: KnownParty }
  | { type: 'done'; party: KnownParty }

/**
 * The next step for the names of one event, that of the sender first; `found` are their parties. A name that is not
 * reassignable is of its party for good: two parties with such names in one event are one. A reassignable name comes with
 * them, unless its party has another name for good: then it was reassigned, and leaves that party. Without a name for
 * good, an event takes no name from another party.
 */
export function nextStep(names: readonly Name[], found: readonly (KnownParty | undefined)[]): Step {
  const known = names.map((name, i) => ({ name, party: found[i] }))
  const hasLasting = names.some((name) => !name.isReassignable)
  const candidates = hasLasting
    ? known.flatMap(({ name, party }) => (party && isSame(name, party, names) ? party : []))
    : known.flatMap(({ party }) => party ?? []).slice(0, 1)
  const parties = [...new Map(candidates.map((party) => [party.id, party])).values()]
  const [party, other] = parties.sort((a, b) => (a.id < b.id ? -1 : 1))
  if (!party) return { type: 'begin', name: names.find((name) => !name.isReassignable) ?? (names[0] as Name) }
  if (other) return { type: 'unite', older: party, younger: other }
  for (const { name, party: from } of known) {
    if (from?.id === party.id) {
      if (!hasName(party, name)) return { type: 'join', party, name }
    } else if (!from) return { type: 'join', party, name }
    else if (hasLasting) return { type: 'join', party, name, from }
  }
  return { type: 'done', party }
}

/** Whether the party of a name is the party of the event. */
const isSame = (name: Name, { data }: KnownParty, names: readonly Name[]): boolean =>
  !name.isReassignable ||
  !data.names.some((own) => !own.isReassignable && !names.some(({ value }) => value === own.value))

/** As it is, or as one that is now known to be reassignable. */
const hasName = ({ data }: KnownParty, { value, isReassignable }: Name): boolean =>
  data.names.some((own) => own.value === value && (own.isReassignable || !isReassignable))

/** Most addresses that are kept of one party. */
const MAX_NAMES = 100

/** With one more name, or what is new of it. */
export function withName(party: Party, name: Name): Party {
  const others = party.names.filter(({ value }) => value !== name.value)
  return { ...party, names: [...others, name].slice(-MAX_NAMES) }
}

/** Without a name that is another party's now. */
export function withoutName(party: Party, value: string): Party {
  const names = party.names.filter((name) => name.value !== value)
  const last = names.findLast((name) => !name.isReassignable) ?? names.at(-1)
  return { ...party, names, current: party.current === value && last ? last.value : party.current }
}

/** With a key at which there may be a user soon. */
export const withAwaited = (party: Party, key: string): Party => ({
  ...party,
  keys: [...new Set([...party.keys, key])],
  awaited: [...new Set([...(party.awaited ?? []), key])],
})

/** Whether nothing is to be found out of it: the users at its addresses are known, and are one. */
export const isSettled = ({ names, isOpen, awaited, into }: Party): boolean =>
  into !== undefined || (!isOpen && !awaited && !names.some(({ isNew }) => isNew))

/** A party whose users were looked up: those at its keys and new names, all of one person by now. Undefined for a room. */
export function settled(
  { isOpen: _, awaited = [], ...party }: Party,
  users: ReadonlyMap<string, Id> | undefined,
): Party {
  const names = party.names.map(({ isNew: _new, ...name }) => name)
  const all = keysOf(party)
  if (!users) return { ...party, keys: all, names }
  // The key of the oldest user is that of new conversations.
  const ageOf = (key: string) => users.get(key) ?? NEWEST
  const known = all.filter((key) => users.has(key) || awaited.includes(key))
  const inOrder = known.sort((a, b) => (ageOf(a) === ageOf(b) ? 0 : ageOf(a) < ageOf(b) ? -1 : 1))
  const keys = inOrder.length > 0 ? inOrder : all.slice(0, 1)
  const stillAwaited = keys.filter((key) => !users.has(key))
  const [oldest] = [...users.values()].sort()
  return {
    ...{ ...party, keys, names },
    ...(oldest !== undefined && { userId: oldest }),
    ...(stillAwaited.length > 0 && { awaited: stillAwaited }),
  }
}

/** Where the store may know a user of a party. */
export const keysOf = ({ keys, names }: Pick<Party, 'keys' | 'names'>): string[] => [
  ...new Set([...keys, ...names.flatMap(({ isNew, value }) => (isNew ? value : []))]),
]

/** After every id. */
const NEWEST = '~'

/** A party with what another one had that turned out to be the same. */
export function united(party: Party, other: Party): Party {
  const awaited = [...new Set([...(party.awaited ?? []), ...(other.awaited ?? [])])]
  const names = new Map<string, Name>()
  for (const name of [...other.names, ...party.names])
    names.set(name.value, { ...names.get(name.value), ...name })
  const past = [...new Set([...(party.past ?? []), ...(other.past ?? [])])]
  return {
    ...party,
    keys: [...new Set([...party.keys, ...other.keys])].slice(0, MAX_NAMES),
    names: [...names.values()].slice(-MAX_NAMES),
    ...(past.length > 0 && { past: past.slice(-MAX_NAMES) }),
    ...(awaited.length > 0 && { awaited }),
    isOpen: true,
  }
}
