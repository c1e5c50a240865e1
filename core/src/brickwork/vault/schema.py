"""The tables of a vault in SQLite, and how an older format becomes the newest.

Whoever changes the tables adds the way there from the format before to `UPGRADES`; a new vault is
made as the oldest and upgraded, so that both are the same by construction.
"""

FIRST = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE keys (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kid BLOB NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    created_at TEXT NOT NULL,
    active INTEGER NOT NULL,
    wraps INTEGER NOT NULL
);
CREATE UNIQUE INDEX one_active_key ON keys (active) WHERE active;
CREATE TABLE blocks (
    id INTEGER PRIMARY KEY,
    block_id BLOB NOT NULL UNIQUE,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (slug, name)
);
CREATE TABLE documents (
    id INTEGER NOT NULL REFERENCES blocks (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    saved_at TEXT NOT NULL,
    saved_by TEXT NOT NULL,
    kid BLOB NOT NULL,
    public BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (id, version)
) WITHOUT ROWID;
CREATE INDEX documents_by_kid ON documents (kid);
CREATE TABLE uses (
    id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (id, version, address),
    FOREIGN KEY (id, version) REFERENCES documents (id, version) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX uses_by_address ON uses (address);
"""

_AUDIT = """
CREATE TABLE audit (
    position INTEGER PRIMARY KEY,
    content BLOB NOT NULL,
    kid BLOB NOT NULL,
    mac BLOB NOT NULL
);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
"""

_LEDGER = """
CREATE TABLE ledger (
    scope BLOB NOT NULL,
    key BLOB NOT NULL,
    kid BLOB NOT NULL,
    sealed BLOB NOT NULL,
    expires_at REAL NOT NULL,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;
CREATE INDEX ledger_by_end ON ledger (expires_at);
"""

UPGRADES = {1: _AUDIT, 2: _LEDGER}
"""By format, what makes the next one of it."""

FORMAT = 3
"""The newest."""
