import type { Id } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import { integrationOf } from '../clients/open-integration.js'
import type { Addresses, KnownSender } from '../conversations/addresses.js'
import type { Users } from '../conversations/users.js'
import type { UserView } from '../documents/facts.js'
import { type ChannelRef, type ConversationRecord, encodeChannel } from '../log/endpoint-record.js'
import type { Store } from '../ports/store.js'

/** An address at which a person is, or was. */
export interface PersonIdentity {
  channel: string
  /** Name of the integration; absent if it was removed, and for a custom channel. */
  integration?: string
  /** The address of the business. */
  identity: string
  sender: string
  /** Other addresses of the person there, such as a telephone number beside an id. */
  aliases: string[]
}

/** A person with its addresses and conversations. */
export interface PersonView {
  user: UserView
  identities: PersonIdentity[]
  /** The newest ones. */
  conversations: ConversationRecord[]
  /** There are more conversations. */
  isMore: boolean
}

export interface PeopleOptions {
  store: Pick<Store, 'findPlaces' | 'walkConversations'>
  users: Pick<Users, 'view' | 'views' | 'listByEmail'>
  addresses: Pick<Addresses, 'usersAt' | 'sendersOf'>
}

/** Most people that one search finds. */
const MAX_FOUND = 50
const MAX_CONVERSATIONS = 100

/** Finds the people of a client for its operators. */
export class People {
  readonly #options: PeopleOptions

  constructor(options: PeopleOptions) {
    this.#options = options
  }

  /**
   * The people with this address on any channel: what messages are sent to, another address of the person, or an e-mail
   * address. A telephone number is found with and without the plus sign. The newest first.
   */
  async findByIdentity(client: ClientView, text: string): Promise<UserView[]> {
    const { store, users, addresses } = this.#options
    const spellings = spellingsOf(text)
    const [places, aliased, byEmail] = await Promise.all([
      Promise.all(spellings.map((sender) => store.findPlaces(client.id, sender, MAX_FOUND))),
      Promise.all(spellings.map((value) => addresses.usersAt(client, value, MAX_FOUND))),
      text.includes('@') ? users.listByEmail(client, text, MAX_FOUND) : [],
    ])
    const ids = [
      ...places.flat().map(({ userId }) => userId),
      ...aliased.flat(),
      ...byEmail.map(({ id }) => id),
    ]
    const found = await users.views(client, [...new Set(ids)].slice(0, MAX_FOUND))
    const people = [...new Map([...found.values()].map((user) => [user.id, user])).values()]
    return people.sort((a, b) => (a.id < b.id ? 1 : -1))
  }

  /** @throws NOT_FOUND */
  async get(client: ClientView, id: Id): Promise<PersonView> {
    const { store, users, addresses } = this.#options
    const user = await users.view(client, id)
    const range = { limit: MAX_CONVERSATIONS + 1, fromEnd: true, userId: user.id }
    const found = (await store.walkConversations(client.id, range)).reverse()
    const conversations = found.slice(0, MAX_CONVERSATIONS)
    const senders = await addresses.sendersOf(client, user.id)
    return {
      ...{ user, conversations, isMore: found.length > MAX_CONVERSATIONS },
      identities: identitiesOf(client, conversations, senders),
    }
  }
}

/** A telephone number with and without the plus sign. */
function spellingsOf(text: string): string[] {
  const [, digits] = /^\+?(\d{5,20})$/.exec(text.replaceAll(/[\s()-]/g, '')) ?? []
  return [...new Set([text, ...(digits === undefined ? [] : [digits, `+${digits}`])])]
}

function identitiesOf(
  client: ClientView,
  conversations: readonly ConversationRecord[],
  senders: readonly KnownSender[],
): PersonIdentity[] {
  const found = new Map<string, PersonIdentity>()
  const placeOf = ({ channel, identity }: { channel: ChannelRef; identity: string }): string =>
    JSON.stringify([encodeChannel(channel), identity])
  for (const endpoint of conversations.flatMap(({ endpoints }) => endpoints)) {
    const { channel, identity, sender } = endpoint
    const aliases = senders
      .filter((other) => placeOf(other) === placeOf(endpoint) && other.sender !== sender)
      .map((other) => other.sender)
    const integration = integrationOf(client, channel)?.name
    found.set(`${placeOf(endpoint)} ${sender}`, {
      ...{ channel: channel.name, ...(integration !== undefined && { integration }) },
      ...{ identity, sender, aliases },
    })
  }
  return [...found.values()]
}
