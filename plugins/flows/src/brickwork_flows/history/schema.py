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

UPGRADES: dict[int, str] = {1: ENTRIES}
"""By format, what makes the next one of it."""

FORMAT = 2
"""The newest."""
