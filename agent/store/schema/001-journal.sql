-- One journal file ("segment"): readings, events, and the state they lead to, in commits that are hashed into a chain.
-- Append-only, without a secondary index while it is written to (docs/decisions/0003-journal-layout.md).

-- Where this file begins: what came before it, in one row.
CREATE TABLE base (
  id           INTEGER PRIMARY KEY CHECK (id = 1),
  epoch        TEXT    NOT NULL,
  origin       TEXT    NOT NULL CHECK (origin IN ('instrument', 'simulated')),
  ordinal      INTEGER NOT NULL,
  day          INTEGER NOT NULL,            -- UTC day as yyyymmdd
  seq          INTEGER NOT NULL,            -- last sequence number before this file
  hash         BLOB    NOT NULL,            -- chain head before this file
  readings     INTEGER NOT NULL,            -- readings of the epoch before this file
  events       INTEGER NOT NULL,            -- events of the epoch before this file
  last_reading INTEGER NOT NULL,            -- greatest sequence number of a reading before this file, 0 if none
  last_event   INTEGER NOT NULL
) STRICT;

CREATE TABLE point   (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE quality (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;   -- 'good', 'bad timeout' …
CREATE TABLE boot    (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE reading (
  s    INTEGER PRIMARY KEY,
  p    INTEGER NOT NULL,                    -- point.id
  t    INTEGER NOT NULL,                    -- slot or sample start, ms UTC
  a    INTEGER,                             -- arrival, ms after t
  v    REAL,
  q    INTEGER NOT NULL,                    -- quality.id
  raw  BLOB,                                -- registers as on the wire
  more TEXT                                 -- JSON of what is rare: slots, ex, x, late, supersedes
) STRICT;

CREATE TABLE event (
  s    INTEGER PRIMARY KEY,
  t    INTEGER NOT NULL,
  type TEXT    NOT NULL,
  body TEXT    NOT NULL                     -- JSON of everything after `ts`
) STRICT;

CREATE TABLE commits (
  first    INTEGER PRIMARY KEY,
  last     INTEGER NOT NULL,
  wall     INTEGER NOT NULL,                -- moment of the commit, ms UTC
  mono     REAL    NOT NULL,                -- the same moment on the monotonic clock of `boot`
  boot     INTEGER NOT NULL,                -- boot.id
  tb       INTEGER NOT NULL,
  readings INTEGER NOT NULL,                -- readings of the epoch through this commit
  events   INTEGER NOT NULL,                -- events of the epoch through this commit
  checks   BLOB    NOT NULL,                -- FNV-1a of each record's line, little-endian: names the record that was altered
  hash     BLOB    NOT NULL                 -- SHA-256(hash before ‖ header line ‖ record lines)
) STRICT;

-- Where a time base begins; derived from commits, so that messages can be cut without reading them.
CREATE TABLE timebase (first INTEGER PRIMARY KEY, tb INTEGER NOT NULL) STRICT;

CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- The last moment known to have been lived through, where it is later than the last row of commits.
CREATE TABLE tail (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  seq INTEGER NOT NULL, wall INTEGER NOT NULL, mono REAL NOT NULL, boot TEXT NOT NULL, tb INTEGER NOT NULL
) STRICT;

-- Newest slot of each point in time base `tb` as of sequence number `through`; what follows is found by reading on.
CREATE TABLE coverage (p INTEGER PRIMARY KEY, t INTEGER NOT NULL, slots INTEGER NOT NULL) STRICT;
CREATE TABLE coverage_mark (id INTEGER PRIMARY KEY CHECK (id = 1), through INTEGER NOT NULL, tb INTEGER NOT NULL) STRICT;

-- The files before this one, carried on from file to file.
CREATE TABLE segment (
  ordinal      INTEGER PRIMARY KEY,
  name         TEXT    NOT NULL,
  first        INTEGER NOT NULL,
  last         INTEGER NOT NULL,
  readings     INTEGER NOT NULL,
  events       INTEGER NOT NULL,
  last_reading INTEGER NOT NULL,
  last_event   INTEGER NOT NULL,
  hash         BLOB    NOT NULL,            -- chain head at its end
  sha256       TEXT,                        -- of the whole sealed file; NULL until it is sealed
  bytes        INTEGER,
  sealed       INTEGER                      -- ms UTC
) STRICT;

-- For people with a SQLite shell.
CREATE VIEW readings AS
  SELECT s, point.name AS point, t, a, v, quality.name AS quality, hex(raw) AS raw, more
  FROM reading JOIN point ON point.id = reading.p JOIN quality ON quality.id = reading.q;
