import type { Author, Id } from '@plugboard/core'
import {
  type Dead,
  decodeChannel,
  type EndpointRecord,
  type Entry,
  type EntryType,
  type LaneKey,
  type LaneState,
  type SentMessage,
  type StreamKind,
  type Target,
} from '@plugboard/hub'
import { lean, toHex } from './database/sql.js'

/** Their places are what stands on disk: add at the end only. */
export const STREAM_KINDS: readonly StreamKind[] = ['user', 'conversation', 'integration']
/** As {@link STREAM_KINDS}. */
export const ENTRY_TYPES: readonly EntryType[] = [
  'message',
  'user.new',
  'conversation.new',
  'conversation.started',
  'conversation.deleted',
  'health.new',
  'void',
  'activity',
  'user.deleted',
  'user.merged',
  'user.updated',
]
/** As {@link STREAM_KINDS}. */
export const HOLDS = ['free', 'held', 'woken'] as const
/** Whether someone delivers the stream, and whether it became due meanwhile: then it is due when it is given back. */
export type Hold = (typeof HOLDS)[number]
export const MESSAGE = ENTRY_TYPES.indexOf('message')

/** When the newest message of a stream came in, its row being `n`; deleted ones count. */
export const newestMessageAt = (n: string): string =>
  `(SELECT at FROM entries WHERE stream = ${n} AND type = ${MESSAGE} ORDER BY seq DESC LIMIT 1)`

/** The business as an author, where a user has an id: one byte. */
export const BUSINESS = '00'

export const toAuthorHex = (author: Author | undefined): string | null =>
  author === undefined ? null : author === 'business' ? BUSINESS : author.userId

const fromAuthorHex = (hex: string): Author => (hex === BUSINESS ? 'business' : { userId: hex as Id })

/** What few entries have. */
const RARE = ['dedupe', 'incoming', 'collect_until', 'turn_ended_at', 'dead', 'deleted_at', 'details', 'sent']

const NONE_IS_THERE = RARE.map((column) => `e.${column} IS NULL`).join(' AND ')

/**
 * One entry `e` as JSON text: an {@link EntryRow}. What few have is together at its end, since each value, null too, has
 * to be printed and parsed.
 */
const entryRow = (
  payload: string,
  details: string,
): string => `json_array(${toHex('e.id')}, e.seq, e.at, e.type,
  ${toHex('e.author')}, e.channel, ${payload}, e.owes, json(iif(${NONE_IS_THERE}, NULL, json_array(e.dedupe,
  ${toHex('e.incoming')}, e.collect_until, e.turn_ended_at, e.dead, e.deleted_at, ${details}, e.sent))))`

export const ENTRY_ROW = entryRow('e.payload', 'e.details')

/** As {@link ENTRY_ROW}, with the sizes of texts that are not short. */
export const LEAN_ENTRY_ROW = entryRow(lean('e.payload'), lean('e.details'))

/** As {@link ENTRY_ROW}, without what the entry says. */
export const SILENT_ENTRY_ROW = entryRow("''", 'NULL')

export type EntryRow<Text = string> = [
  id: Id,
  seq: number,
  at: number,
  type: number,
  author: string,
  channel: string | null,
  payload: Text,
  owes: string | null,
  rare: RareRow<Text> | null,
]

type RareRow<Text = string> = [
  dedupe: string | null,
  incomingId: Id | '',
  collectUntil: number | null,
  turnEndedAt: number | null,
  dead: string | null,
  deletedAt: number | null,
  details: Text | null,
  sent: string | null,
]

const NOTHING_RARE: RareRow = [null, '', null, null, null, null, null, null]

/** An entry as it was read together with others: what is a number is the size of a text that is not short. */
export type LeanEntryRow = EntryRow<string | number>

/** The same with its texts, which `read` gives when one of them is not there. */
export function wholeRow(row: LeanEntryRow, read: () => [payload: string, details: string | null]): EntryRow {
  if (isWhole(row)) return row
  const [payload, details] = read()
  const [id, seq, at, type, author, channel, , owes, rare] = row
  const whole: RareRow | null = rare && [
    rare[0],
    rare[1],
    rare[2],
    rare[3],
    rare[4],
    rare[5],
    details,
    rare[7],
  ]
  return [id, seq, at, type, author, channel, payload, owes, whole]
}

const isWhole = (row: LeanEntryRow): row is EntryRow =>
  typeof row[6] === 'string' && typeof row[8]?.[6] !== 'number'

/** What an entry takes from its stream. */
export interface Place {
  clientId: Id
  streamId: Id
  seq: number
  deletedAt: number | null
}

/** All entries of a deleted stream but the last, which tells of it, read as deleted. */
export function toEntry(row: EntryRow, stream: Place): Entry {
  const [id, seq, at, type, author, channel, payload, owes, rare] = row
  const [dedupe, incomingId, collectUntil, turnEndedAt, dead, ownDeletedAt, details, sent] =
    rare ?? NOTHING_RARE
  const deletedAt = ownDeletedAt ?? (seq < stream.seq ? stream.deletedAt : null)
  const entry: Entry = {
    id,
    clientId: stream.clientId,
    streamId: stream.streamId,
    seq,
    type: ENTRY_TYPES[type] as EntryType,
    payload: deletedAt === null ? payload : '',
    at: new Date(at),
    owes: owes === null ? [] : (owes.split(' ') as Target[]),
  }
  if (details !== null && deletedAt === null) entry.details = details
  if (author !== '') entry.author = fromAuthorHex(author)
  if (channel !== null) entry.channel = channel
  if (dedupe !== null) entry.dedupe = dedupe
  if (incomingId !== '') entry.incomingId = incomingId
  if (collectUntil !== null) entry.collectUntil = new Date(collectUntil)
  if (turnEndedAt !== null) entry.turnEndedAt = new Date(turnEndedAt)
  if (dead !== null) entry.dead = fromDeadText(dead)
  if (sent !== null) entry.sent = fromSentText(sent)
  if (deletedAt !== null) entry.deletedAt = new Date(deletedAt)
  return entry
}

export type Lanes = Readonly<Record<LaneKey, LaneState>>
export type Deaths = Readonly<Partial<Record<Target, Dead>>>
type SentMessages = Readonly<Partial<Record<Target, SentMessage>>>

/** Times within JSON text are milliseconds, as in the columns. */
const TIMES: ReadonlySet<string> = new Set(['at', 'blockedUntil', 'since'])
const timeToNumber = (key: string, value: unknown) => (TIMES.has(key) ? Date.parse(value as string) : value)
const numberToTime = (key: string, value: unknown) => (TIMES.has(key) ? new Date(value as number) : value)

const toJsonText = (value: object): string | null =>
  Object.keys(value).length === 0 ? null : JSON.stringify(value, timeToNumber)
const fromJsonText = (text: string): unknown => JSON.parse(text, numberToTime)

export const toLanesText = (lanes: Lanes): string | null => toJsonText(lanes)
export const fromLanesText = (text: string): Lanes => fromJsonText(text) as Lanes
export const toDeadText = (dead: Deaths): string | null => toJsonText(dead)
export const fromDeadText = (text: string): Deaths => fromJsonText(text) as Deaths
export const toSentText = (sent: SentMessages): string => JSON.stringify(sent)
const fromSentText = (text: string): SentMessages => JSON.parse(text) as SentMessages

/** One endpoint as JSON text: an {@link EndpointRow}. */
export const ENDPOINT_ROW = `json_array(${toHex('id')}, channel, custom, identity, sender, thread)`

export type EndpointRow = [
  id: Id,
  channel: string,
  custom: number,
  identity: string,
  sender: string,
  thread: string,
]

export const toEndpoint = ([id, channel, custom, identity, sender, thread]: EndpointRow): EndpointRecord => ({
  id,
  channel: decodeChannel(channel, custom === 1),
  identity,
  sender,
  thread,
})
