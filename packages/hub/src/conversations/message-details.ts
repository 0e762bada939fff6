import {
  isId,
  isJsonObject,
  type JsonObject,
  type Message,
  type MessageDetails,
  parseJsonObject,
} from '@plugboard/core'

/** Parses the details of a message. Invalid members are dropped. Never throws. */
export function messageDetailsOf({ details }: Pick<Message, 'details'>): MessageDetails {
  if (details === undefined) return {}
  const { author, metadata, dialect, edit } = parseJsonObject(details)
  const read: MessageDetails = {}
  if (isJsonObject(author)) read.author = shownIn(author)
  if (typeof edit === 'string' && isId(edit)) read.edit = edit
  if (isJsonObject(metadata)) read.metadata = metadata
  if (isJsonObject(dialect)) read.dialect = objectsIn(dialect)
  return read
}

type Shown = NonNullable<MessageDetails['author']>

const KINDS = ['agent', 'bot', 'ai', 'activity'] as const

function shownIn({ accountId, name, avatarUrl, kind }: JsonObject): Shown {
  const shown: Shown = {}
  if (typeof accountId === 'string' && isId(accountId)) shown.accountId = accountId
  if (typeof name === 'string') shown.name = name
  if (typeof avatarUrl === 'string') shown.avatarUrl = avatarUrl
  const known = KINDS.find((each) => each === kind)
  if (known) shown.kind = known
  return shown
}

const objectsIn = (json: JsonObject): Record<string, JsonObject> =>
  Object.fromEntries(
    Object.entries(json).filter((member): member is [string, JsonObject] => isJsonObject(member[1])),
  )
