"""The tables of a history in SQLite, and how an older format becomes the newest.

Whoever changes the tables adds the way there from the format before to `UPGRADES`; a new history is
made as the oldest and upgraded, so that both are the same by construction.
"""

FIRST = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    run_name TEXT NOT NULL,
    parent TEXT,
    key TEXT NOT NULL,
    flow_run TEXT NOT NULL,
    tags TEXT NOT NULL,
    inputs TEXT NOT NULL,
    details TEXT NOT NULL,
    began REAL NOT NULL
);
CREATE INDEX runs_by_flow ON runs (flow_run);
CREATE INDEX flows_by_time ON runs (began, id) WHERE parent IS NULL;
CREATE TABLE states (
    run TEXT NOT NULL,
    number INTEGER NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    message TEXT NOT NULL,
    at REAL NOT NULL,
    attempt INTEGER NOT NULL,
    PRIMARY KEY (run, number)
) WITHOUT ROWID;
CREATE TABLE results (
    run TEXT PRIMARY KEY,
    chain TEXT NOT NULL,
    data BLOB,
    url TEXT,
    storage_key TEXT
) WITHOUT ROWID;
CREATE TABLE logs (
    flow_run TEXT NOT NULL,
    number INTEGER NOT NULL,
    run TEXT NOT NULL,
    at REAL NOT NULL,
    level INTEGER NOT NULL,
    logger TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (flow_run, number)
) WITHOUT ROWID;
CREATE TABLE requests (flow_run TEXT PRIMARY KEY, wish TEXT NOT NULL) WITHOUT ROWID;
"""

ENTRIES = """
CREATE TABLE entries (
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    version INTEGER NOT NULL,
    at REAL NOT NULL,
    run TEXT,
    PRIMARY KEY (collection, key)
) WITHOUT ROWID;
CREATE INDEX entries_by_run ON entries (run) WHERE run IS NOT NULL;
DROP TABLE requests;
"""

CHANGES = """
ALTER TABLE states RENAME TO states_before;
CREATE TABLE states (
    position INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    number INTEGER NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    message TEXT NOT NULL,
    at REAL NOT NULL,
    attempt INTEGER NOT NULL
);
INSERT INTO states SELECT row_number() OVER (ORDER BY at, run, number), * FROM states_before;
CREATE UNIQUE INDEX states_by_run ON states (run, number);
CREATE TABLE emitted (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    at REAL NOT NULL,
    run TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX emitted_by_run ON emitted (run);
CREATE TABLE positions (last INTEGER NOT NULL);
INSERT INTO positions SELECT count(*) FROM states;
DROP TABLE states_before;
"""
# Positions are counted in a table of their own: SQLite would give those of removed rows once more.

UPGRADES: dict[int, str] = {1: ENTRIES + CHANGES}
"""By format, what makes the next one of it."""

FORMAT = 2
"""The newest."""
