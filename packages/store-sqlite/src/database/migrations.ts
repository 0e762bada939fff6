import { PlugboardError } from '@plugboard/core'
import type { Connection } from './sql.js'

/** Stands for "no message yet" in a rank, so that such conversations come first. */
export const NEVER = Number.MAX_SAFE_INTEGER

/**
 * The schema, one step per version: a step that was released is never changed. Ids are 12 bytes, times are
 * milliseconds, `kind`, `hold` and `type` are the places in the lists of `encoding.ts`.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE clients (
    id BLOB PRIMARY KEY,
    external_id TEXT UNIQUE,
    name TEXT UNIQUE,
    version INTEGER NOT NULL,
    document TEXT NOT NULL
  ) STRICT;

  CREATE TABLE keys (
    client BLOB NOT NULL,
    key TEXT NOT NULL,
    hash TEXT NOT NULL,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (client, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX keys_by_age ON keys (at);

  -- What does not change with each entry. A user is the row of its stream (data), and so is a conversation (user: the
  -- row of its user; over: it was deleted and owes nothing, so that it can be purged).
  CREATE TABLE streams (
    n INTEGER PRIMARY KEY,
    client BLOB NOT NULL,
    id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    user INTEGER,
    created_at INTEGER NOT NULL,
    data TEXT,
    deleted_at INTEGER,
    over INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX streams_by_id ON streams (client, id);
  CREATE INDEX streams_over ON streams (over) WHERE over IS NOT NULL;

  -- The conversations of a user, in the order in which they are listed.
  CREATE TABLE talks (
    user INTEGER NOT NULL,
    last_message_at INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (user, last_message_at, n)
  ) STRICT, WITHOUT ROWID;

  -- The streams that owe something. What is not here has been looked at to its end.
  CREATE TABLE progress (
    n INTEGER PRIMARY KEY,
    client BLOB NOT NULL,
    scanned INTEGER NOT NULL,
    lanes TEXT,
    next_at INTEGER NOT NULL,
    owed_at INTEGER NOT NULL,
    hold INTEGER NOT NULL
  ) STRICT;
  -- More than next_at is there so that backlog, and claimDue where it passes over a stream, read no row.
  CREATE INDEX progress_due ON progress (next_at, client, owed_at, hold);

  CREATE TABLE entries (
    n INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    type INTEGER NOT NULL,
    author BLOB,
    channel TEXT,
    payload TEXT NOT NULL,
    owes TEXT,
    dedupe TEXT,
    incoming BLOB,
    collect_until INTEGER,
    turn_ended_at INTEGER,
    dead TEXT,
    dead_client BLOB,
    deleted_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX entries_by_id ON entries (id);
  CREATE UNIQUE INDEX entries_by_seq ON entries (stream, seq);
  CREATE UNIQUE INDEX entries_by_dedupe ON entries (stream, dedupe) WHERE dedupe IS NOT NULL;
  CREATE INDEX entries_by_incoming ON entries (stream, incoming, seq) WHERE incoming IS NOT NULL;
  CREATE INDEX entries_dead ON entries (dead_client, id) WHERE dead_client IS NOT NULL;

  -- ended: its conversation was deleted, and the address may be mapped anew.
  CREATE TABLE endpoints (
    n INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    client BLOB NOT NULL,
    stream INTEGER NOT NULL,
    conversation BLOB NOT NULL,
    user BLOB NOT NULL,
    channel TEXT NOT NULL,
    custom INTEGER NOT NULL,
    identity TEXT NOT NULL,
    sender TEXT NOT NULL,
    thread TEXT NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE UNIQUE INDEX endpoints_by_address ON endpoints (client, sender, thread, identity, channel, custom)
    WHERE ended = 0;
  CREATE INDEX endpoints_of_stream ON endpoints (stream);

  -- Who a sender is, for longer than its conversations live.
  CREATE TABLE senders (
    client BLOB NOT NULL,
    sender TEXT NOT NULL,
    identity TEXT NOT NULL,
    channel TEXT NOT NULL,
    custom INTEGER NOT NULL,
    user BLOB NOT NULL,
    PRIMARY KEY (client, sender, identity, channel, custom)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE entries ADD COLUMN details TEXT;

  CREATE INDEX streams_of_user ON streams (user, id) WHERE user IS NOT NULL;

  CREATE TABLE documents (
    client BLOB NOT NULL,
    collection TEXT NOT NULL,
    id BLOB NOT NULL,
    name TEXT,
    version INTEGER NOT NULL,
    terms TEXT,
    data TEXT NOT NULL,
    PRIMARY KEY (client, collection, id)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX documents_by_name ON documents (client, collection, name) WHERE name IS NOT NULL;

  CREATE TABLE document_terms (
    client BLOB NOT NULL,
    collection TEXT NOT NULL,
    term TEXT NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (client, collection, term, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE counters (
    client BLOB NOT NULL,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (client, name)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The order in which the conversations of a user are listed; NULL for what is in no list (see conversation-order.ts).
  ALTER TABLE streams ADD COLUMN rank INTEGER;
  UPDATE streams SET rank = t.last_message_at FROM talks t WHERE t.n = streams.n;
  DROP TABLE talks;
  CREATE INDEX streams_by_rank ON streams (user, rank) WHERE rank IS NOT NULL;
  `,
  `
  -- What the table progress does not have yet: for each transaction the streams that it changed, as JSON.
  CREATE TABLE progress_journal (n INTEGER PRIMARY KEY, changes TEXT NOT NULL) STRICT;
  `,
  `
  -- Every client accepted guests before that was a setting. It stays on where it is used: where people own the client,
  -- where it has a subscription of the Smartify API, or users with an id of that API.
  UPDATE clients SET document = json_set(document, '$.acceptsGuests', json('true'))
  WHERE EXISTS (
    SELECT 1 FROM json_each(clients.document, '$.webhooks') w WHERE json_extract(w.value, '$.format') = 'smartify'
  ) OR EXISTS (
    SELECT 1 FROM documents u
    WHERE u.client = clients.id AND u.collection = 'user' AND u.name > 'smartify ' AND u.name < 'smartify!'
  ) OR EXISTS (
    SELECT 1 FROM document_terms t JOIN documents a ON a.client = t.client AND a.collection = t.collection AND a.id = t.id
    WHERE t.client = zeroblob(12) AND t.collection = 'account' AND t.term = 'client ' || lower(hex(clients.id))
      AND json_extract(a.data, '$.kind') = 'person'
  );
  `,
  `
  -- Of the newest lease of the stream.
  ALTER TABLE progress ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- What the journal has goes to the table: the last word on each stream, which is no row when nothing is owed.
  CREATE TEMP TABLE last_word AS
    SELECT c.value ->> 0 AS n, c.value -> 1 AS row, max(j.n) FROM progress_journal j, json_each(j.changes) c GROUP BY 1;
  DELETE FROM progress WHERE n IN (SELECT n FROM last_word);
  INSERT INTO progress (n, client, scanned, lanes, next_at, owed_at, hold)
    SELECT s.n, s.client, row ->> 0, row ->> 1, row ->> 2, row ->> 3, row ->> 4
    FROM last_word l JOIN streams s ON s.n = l.n WHERE row IS NOT NULL;
  DROP TABLE last_word;
  DROP TABLE progress_journal;
  `,
  `
  -- What endpoints show of a message, as JSON by target.
  ALTER TABLE entries ADD COLUMN sent TEXT;
  `,
  `
  -- Of a user that was merged into another: its id.
  ALTER TABLE streams ADD COLUMN merged BLOB;
  CREATE INDEX streams_merged ON streams (client, merged) WHERE merged IS NOT NULL;
  `,
  `
  -- Numbered queues of clients: each item says where an entry is.
  CREATE TABLE queued (
    client BLOB NOT NULL,
    queue BLOB NOT NULL,
    n INTEGER NOT NULL,
    stream BLOB NOT NULL,
    seq INTEGER NOT NULL,
    user BLOB,
    at INTEGER NOT NULL,
    PRIMARY KEY (client, queue, n)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX queued_by_place ON queued (client, queue, stream, seq);
  CREATE INDEX queued_of_user ON queued (client, queue, user, n) WHERE user IS NOT NULL;

  -- What waits for the readers of pull webhooks, by stream. Without due_at nothing waits.
  CREATE TABLE pulls (
    client BLOB NOT NULL,
    webhook BLOB NOT NULL,
    stream BLOB NOT NULL,
    replay TEXT NOT NULL,
    user BLOB,
    done INTEGER NOT NULL,
    up_to INTEGER NOT NULL,
    since INTEGER NOT NULL,
    due_at INTEGER,
    held_to INTEGER,
    fence INTEGER NOT NULL,
    given TEXT NOT NULL,
    version INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX pulls_by_place ON pulls (stream, client, webhook, replay);
  CREATE INDEX pulls_due ON pulls (client, webhook, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX pulls_waiting ON pulls (client, webhook, since) WHERE due_at IS NOT NULL;
  CREATE INDEX pulls_idle ON pulls (since) WHERE due_at IS NULL;
  `,
  `
  -- The history of attempts at deliveries, in the order in which they were recorded. failed: the kind of the failure, NULL
  -- for a success.
  CREATE TABLE attempts (
    n INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    target TEXT NOT NULL,
    at INTEGER NOT NULL,
    took INTEGER NOT NULL,
    status INTEGER,
    failed TEXT,
    facts TEXT
  ) STRICT;
  CREATE UNIQUE INDEX attempts_by_place ON attempts (stream, seq, target, at);

  -- Those of prompt deliveries, by stream, as JSON. The key begins with the second in which they ended, which follows the
  -- time of their entries: an index of the streams would cost as much as all else of a delivery that is written.
  CREATE TABLE prompt_attempts (n INTEGER PRIMARY KEY, attempts TEXT NOT NULL) STRICT;
  `,
  `
  -- The order of recent conversations: a row for all (channel: empty), and one for each channel (after a space).
  CREATE TABLE activity (
    n INTEGER NOT NULL,
    channel TEXT NOT NULL,
    client BLOB NOT NULL,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (n, channel)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX activity_newest ON activity (client, channel, at, id);

  -- By what dead letters are found. They themselves stand in their entries.
  CREATE TABLE dead (
    client BLOB NOT NULL,
    stream BLOB NOT NULL,
    seq INTEGER NOT NULL,
    target TEXT NOT NULL,
    entry BLOB NOT NULL,
    type INTEGER NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    channel TEXT,
    integration BLOB,
    PRIMARY KEY (client, stream, seq, target)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX dead_newest ON dead (client, at, entry, target);
  CREATE INDEX dead_of_target ON dead (client, target, at, entry);
  CREATE INDEX dead_of_reason ON dead (client, reason, at, entry, target);
  CREATE INDEX dead_of_channel ON dead (client, channel, at, entry, target) WHERE channel IS NOT NULL;
  CREATE INDEX dead_of_integration ON dead (client, integration, at, entry, target) WHERE integration IS NOT NULL;

  CREATE INDEX progress_of_client ON progress (client, next_at);

  -- These two tables are filled while the store is in use, since a large file takes minutes: how far that is.
  CREATE TABLE backfill (name TEXT PRIMARY KEY, place TEXT NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO backfill (name, place) SELECT 'activity', '0' WHERE EXISTS (SELECT 1 FROM streams);
  INSERT INTO backfill (name, place)
    SELECT 'dead', '' WHERE EXISTS (SELECT 1 FROM entries WHERE dead_client IS NOT NULL);
  `,
  `
  -- The backlog has an index of its own, so that it reads no more than it counts; claimDue still reads no row.
  CREATE INDEX progress_owed ON progress (owed_at);
  DROP INDEX progress_due;
  CREATE INDEX progress_due ON progress (next_at, client);
  `,
]

/**
 * Brings the file to the newest schema, each step in a transaction.
 * @throws CONFLICT when a newer Plugboard has written it
 */
export function migrate(db: Connection, path: string): void {
  const { user_version: version } = db.prepare('PRAGMA user_version').get([]) as { user_version: number }
  if (version > migrations.length) {
    const ours = `this one knows schema ${migrations.length}, the file has ${version}`
    throw new PlugboardError('CONFLICT', `${path} was written by a newer Plugboard: ${ours}`)
  }
  for (const [index, step] of migrations.entries()) {
    if (index >= version) db.exec(`BEGIN IMMEDIATE; ${step}; PRAGMA user_version = ${index + 1}; COMMIT`)
  }
}
