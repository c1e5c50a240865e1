"""Whoever can write to the database cannot make a document open that was not sealed for its place.

``BRICKWORK_ATTACK_SCALE`` multiplies the number of random mutations: 1, the default, is 100,000; 10
is the bar.
"""

import os
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import permutations
from pathlib import Path

import pytest

from brickwork import BasicAuth, Block, DatabaseUrl, SecretBlock, Vault
from brickwork.crypto import NamedKey, derive, key_id
from brickwork.errors import (
    BlockNotFound,
    KeyUnavailable,
    TamperedCiphertext,
    TruncatedCiphertext,
    UnsupportedFormat,
    WrongKey,
)
from brickwork.vault.envelope import Identity, Secrets, open_secrets, seal_secrets

pytestmark = pytest.mark.attack

SCALE = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1"))
MUTATIONS = 100_000 * SCALE
TYPED = (TamperedCiphertext, TruncatedCiphertext, UnsupportedFormat, KeyUnavailable, WrongKey)

ROOTS = {key_id(root): root for root in (bytes(range(32)), bytes(range(1, 33)))}
KEYS = [NamedKey(kid, derive(root, "wrap")) for kid, root in ROOTS.items()]
HERE = Identity(b"S" * 16, "basic-auth", b"B" * 16, "prod", 1, 3)
PUBLIC = b'{"fields":{"username":"me"}}'
SECRETS = Secrets({"/password": "hunter2-hunter2", "/key": bytes(range(40))})


def wrapping_key(kid: bytes) -> bytes:
    """What the vault's keys do."""
    if kid not in ROOTS:
        raise KeyUnavailable("no such key", kid=kid.hex(), fix="none")
    return derive(ROOTS[kid], "wrap")


def tries(outcomes: Counter[str], sealed: bytes, identity: Identity, public: bytes) -> None:
    """Try to open, and count what came of it; errors without a type come out."""
    try:
        open_secrets(wrapping_key, identity, public, sealed)
    except TYPED as error:
        outcomes[type(error).__name__] += 1
    else:
        outcomes["accepted"] += 1


def sealed_here(identity: Identity = HERE, key: int = 0, secrets: Secrets = SECRETS) -> bytes:
    """A document sealed for a place."""
    return seal_secrets(KEYS[key], identity, PUBLIC, secrets)


def test_control_what_was_not_changed_is_accepted() -> None:
    """The harness counts an acceptance as one: the same calls open what nobody touched."""
    outcomes = Counter[str]()
    for key in (0, 1):
        tries(outcomes, sealed_here(key=key), HERE, PUBLIC)
    assert outcomes == {"accepted": 2}
    assert open_secrets(wrapping_key, HERE, PUBLIC, sealed_here()) == SECRETS


def test_every_single_bit_counts() -> None:
    """No bit of a sealed document can be flipped."""
    sealed, outcomes = sealed_here(), Counter[str]()
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        tries(outcomes, bytes(changed), HERE, PUBLIC)
    assert outcomes["accepted"] == 0
    assert outcomes.total() == len(sealed) * 8 > 2000


def test_every_bit_of_the_public_part_counts() -> None:
    """No bit of the public fields can be flipped, none taken away and none added."""
    sealed, outcomes = sealed_here(), Counter[str]()
    for bit in range(len(PUBLIC) * 8):
        changed = bytearray(PUBLIC)
        changed[bit // 8] ^= 1 << bit % 8
        tries(outcomes, sealed, HERE, bytes(changed))
    for size in range(len(PUBLIC)):
        tries(outcomes, sealed, HERE, PUBLIC[:size])
    tries(outcomes, sealed, HERE, PUBLIC + b" ")
    assert set(outcomes) == {"TamperedCiphertext"}


def test_no_other_length_is_accepted() -> None:
    """Cut at any length, or with anything after it, a document does not open."""
    sealed, outcomes = sealed_here(), Counter[str]()
    for size in range(len(sealed)):
        tries(outcomes, sealed[:size], HERE, PUBLIC)
    assert outcomes["TruncatedCiphertext"] > 100
    for size in range(1, 200):
        for more in (bytes(size), os.urandom(size), sealed[:size], sealed[-size:]):
            tries(outcomes, sealed + more, HERE, PUBLIC)
            tries(outcomes, more + sealed, HERE, PUBLIC)
    assert outcomes["accepted"] == 0
    assert outcomes.total() > len(sealed) + 1500


def test_every_value_of_every_byte_of_the_header_counts() -> None:
    """Magic, suite, flags, kid, commitment, wrap: no byte of them can have another value."""
    sealed, outcomes = sealed_here(), Counter[str]()
    header = len(sealed) - 12 - 16  # up to the nonce of the data; what follows it is no header
    for offset in range(header):
        for value in range(256):
            if value != sealed[offset]:
                tries(
                    outcomes, sealed[:offset] + bytes([value]) + sealed[offset + 1 :], HERE, PUBLIC
                )
    assert outcomes["accepted"] == 0
    assert outcomes.total() == header * 255
    assert outcomes["UnsupportedFormat"] == 6 * 255, "magic, suite and flags are a closed list"


def elsewhere() -> Iterator[Identity]:
    """Places that differ from HERE in one thing."""
    yield HERE._replace(store_id=b"T" * 16)
    yield HERE._replace(slug="basic-aut")
    yield HERE._replace(slug="basic-authp", name="rod")
    yield HERE._replace(block_id=b"C" * 16)
    yield HERE._replace(name="staging")
    yield HERE._replace(schema_version=2)
    for version in (0, 2, 4, 2**63 - 1, 2**64, -1):
        yield HERE._replace(version=version)
    for schema in (0, -1, 2**32, 2**63 - 1):
        yield HERE._replace(schema_version=schema)


def test_a_document_opens_in_its_own_place_only() -> None:
    """Another vault, slug, block, name, schema version or version: all are refused."""
    outcomes = Counter[str]()
    for place in elsewhere():
        tries(outcomes, sealed_here(), place, PUBLIC)
    assert outcomes == {"TamperedCiphertext": 16}


PARTS = [slice(0, 6), slice(6, 14), slice(14, 46), slice(46, 48), slice(48, 108), slice(108, 120)]
PARTS.append(slice(120, None))


def test_parts_of_two_documents_never_make_a_third() -> None:
    """Every mixture of header, kid, commitment, wrap, nonce and ciphertext of two is refused.

    The two differ in secrets, place or root key, and each mixture is tried in both places.
    """
    outcomes = Counter[str]()
    first = sealed_here()
    others = [
        (HERE, sealed_here(secrets=Secrets({"/password": "other-password"}))),
        (HERE, sealed_here(key=1)),
        *((place, sealed_here(place)) for place in list(elsewhere())[:8]),
    ]
    for place, second in others:
        for mixture in range(1, 2 ** len(PARTS) - 1):
            mixed = b"".join(
                (second if mixture >> i & 1 else first)[part] for i, part in enumerate(PARTS)
            )
            if mixed in (first, second):  # a header that both have
                continue
            tries(outcomes, mixed, HERE, PUBLIC)
            tries(outcomes, mixed, place, PUBLIC)
    assert outcomes["accepted"] == 0
    assert outcomes.total() > 500


def mutate(pick: random.Random, sealed: bytes, other: bytes) -> bytes:
    """Change a document in one to four random ways."""
    changed = bytearray(sealed)
    for _ in range(pick.randint(1, 4)):
        at = pick.randrange(len(changed) + 1)
        size = pick.randint(1, 16)
        kind = pick.randrange(8)
        if kind == 0 and at < len(changed):
            changed[at] ^= pick.randint(1, 255)
        elif kind == 1:
            changed[at : at + size] = pick.randbytes(size)
        elif kind == 2:
            del changed[at : at + size]
        elif kind == 3:
            changed[at:at] = pick.randbytes(size)
        elif kind == 4:
            changed[at : at + size] = other[at : at + size]
        elif kind == 5:
            changed[at : at + size] = bytes(size)
        elif kind == 6:
            del changed[at:]
        else:
            start = pick.randrange(len(changed) + 1)
            changed[at : at + size] = changed[start : start + size]
    return bytes(changed)


def test_mutations_are_all_refused(record_property: Callable[[str, object], None]) -> None:
    """Flips, overwritten, deleted, inserted, copied and moved bytes, any number at once."""
    pick = random.Random(20)
    sealed, other = sealed_here(), sealed_here(key=1)
    outcomes = Counter[str]()
    while outcomes.total() < MUTATIONS:
        changed = mutate(pick, sealed, other)
        if changed != sealed:
            tries(outcomes, changed, HERE, PUBLIC)
    assert outcomes["accepted"] == 0
    assert outcomes.total() == MUTATIONS
    record_property("mutations", dict(outcomes))
    assert all(outcomes[each.__name__] > MUTATIONS / 100 for each in TYPED[:4]), outcomes


# On a real vault, by SQL


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    """A vault with five blocks, two of them in three versions."""
    with Vault.open(str(tmp_path / "vault.db"), keys=f"file:{tmp_path / 'key' / 'key'}") as vault:
        for name in ("prod", "staging"):
            for version in (1, 2, 3):
                block = BasicAuth(username="me", password=f"{name}-{version}-password")
                vault.save(block, name, overwrite=True)
        vault.save(SecretBlock(value="prod-secret-value"), "prod")
        vault.save(SecretBlock(value="other-secret-value"), "other")
        vault.save(
            DatabaseUrl(scheme="postgresql", host="db.internal", password="db-password-1"), "main"
        )
        yield vault


def sql(vault: Vault, *statements: tuple[str, tuple[object, ...]]) -> None:
    """Edit the vault with another tool."""
    with closing(sqlite3.connect(vault.store.location)) as database:
        for query, values in statements:
            assert database.execute(query, values).rowcount != 0, f"changed nothing: {query}"
        database.commit()


def rows(vault: Vault, query: str) -> list[tuple[object, ...]]:
    """Look at the vault with another tool."""
    with closing(sqlite3.connect(vault.store.location)) as database:
        return database.execute(query).fetchall()


ADDRESSES = [
    *(f"basic-auth/{name}@{version}" for name in ("prod", "staging") for version in (1, 2, 3)),
    "secret/prod@1",
    "secret/other@1",
    "database-url/main@1",
]


def load_all(vault: Vault) -> Counter[str]:
    """Load every version of every block, and count what came of it."""
    outcomes = Counter[str]()
    for address in ADDRESSES:
        try:
            vault.load(address)
        except TYPED as error:
            outcomes[type(error).__name__] += 1
        else:
            outcomes["accepted"] += 1
    return outcomes


def test_control_every_block_of_the_vault_opens(vault: Vault) -> None:
    """Loading what nobody edited counts as accepted, so the tests below would notice."""
    assert load_all(vault) == {"accepted": 9}


COLUMNS = {
    "sealed": "sealed = ?",
    "sealed and public": "sealed = ?, public = ?",
    "everything": "sealed = ?, public = ?, kid = ?, schema_version = ?, saved_at = ?",
}


@pytest.mark.parametrize("columns", COLUMNS)
def test_no_row_stands_in_for_another(vault: Vault, columns: str) -> None:
    """Each document in the place of each other, whatever is copied along: never opened."""
    documents = rows(
        vault, "SELECT id, version, sealed, public, kid, schema_version, saved_at FROM documents"
    )
    copied = COLUMNS[columns].count("?")
    tried = 0
    for target, source in permutations(documents, 2):
        update = f"UPDATE documents SET {COLUMNS[columns]} WHERE id = ? AND version = ?"
        sql(vault, (update, (*source[2 : 2 + copied], *target[:2])))
        assert load_all(vault) == {"accepted": 8, "TamperedCiphertext": 1}
        sql(vault, (update, (*target[2 : 2 + copied], *target[:2])))
        tried += 1
    assert tried == 9 * 8
    assert load_all(vault) == {"accepted": 9}


EDITS = {
    "a block takes another's name": (
        """UPDATE blocks SET name = 'p' WHERE slug = 'basic-auth' AND name = 'prod';
        UPDATE blocks SET name = 'prod' WHERE slug = 'basic-auth' AND name = 'staging';
        UPDATE blocks SET name = 'staging' WHERE name = 'p'""",
        6,
    ),
    "a block takes another's slug": (
        """UPDATE blocks SET name = 'main' WHERE slug = 'secret' AND name = 'prod';
        UPDATE blocks SET slug = 'x' WHERE slug = 'database-url';
        UPDATE blocks SET slug = 'database-url' WHERE slug = 'secret' AND name = 'main';
        UPDATE blocks SET slug = 'secret', name = 'prod' WHERE slug = 'x'""",
        2,
    ),
    "two blocks change their ids": (
        "UPDATE blocks SET block_id = x'00' WHERE slug = 'secret' AND name = 'prod'",
        1,
    ),
    "another schema version": ("UPDATE documents SET schema_version = 2", 9),
    "a negative schema version": ("UPDATE documents SET schema_version = -1", 9),
    "a schema version that is text": ("UPDATE documents SET schema_version = 'one'", 9),
    "the vault takes another id": (
        "UPDATE meta SET value = randomblob(16) WHERE name = 'store_id'",
        9,
    ),
    "sealed data of text": ("UPDATE documents SET sealed = 'text'", 9),
    "sealed data of nothing": ("UPDATE documents SET sealed = x''", 9),
    "public fields of text": (
        "UPDATE documents SET public = replace(CAST(public AS TEXT), 'e', 'i')",
        9,
    ),
    "no root key": ("DELETE FROM keys", 9),
    "a root key of another length": ("UPDATE keys SET wrapped = x'00'", 9),
    "a root key that was changed": (
        "UPDATE keys SET wrapped = substr(wrapped, 1, length(wrapped) - 1) || x'00'",
        9,
    ),
    "a root key under another id": ("UPDATE keys SET kid = randomblob(8)", 9),
    "a root key of another provider": ("UPDATE keys SET provider = 'elsewhere'", 9),
}


@pytest.mark.parametrize("edit", EDITS)
def test_edits_of_the_database_are_refused(vault: Vault, edit: str) -> None:
    """Names, slugs, ids, versions, keys: whatever is edited, nothing opens in a new place."""
    script, refused = EDITS[edit]
    sql(vault, *((statement, ()) for statement in script.split(";")))
    path, keys = vault.store.location, vault.keys.provider
    with Vault.open(path, keys=f"file:{keys.path}") as fresh:  # type: ignore[attr-defined]  # a FileKey
        outcomes = load_all(fresh)
        assert len(fresh.documents()) == 5, "a listing shows what there is, all the same"
    assert outcomes["accepted"] == 9 - refused
    assert outcomes.total() == 9


def test_a_redirected_password_is_refused(vault: Vault) -> None:
    """Who edits the host beside a password does not get the password sent there."""
    edit = "UPDATE documents SET public = CAST(replace(public, 'db.internal', 'evil.test') AS BLOB)"
    sql(vault, (f"{edit} WHERE instr(public, x'64622e696e')", ()))
    assert vault.document("database-url/main").fields["host"] == "evil.test"
    with pytest.raises(TamperedCiphertext, match="database-url/main@1") as caught:
        vault.load("database-url/main")
    assert caught.value.exit_code == 6
    assert "db-password-1" not in str(caught.value)


def test_an_old_version_under_a_new_number_is_refused(vault: Vault) -> None:
    """A replay of version 1 as version 4 does not open; older ones, and other blocks, still do."""
    sql(
        vault,
        (
            """INSERT INTO documents SELECT id, 4, schema_version, saved_at, saved_by, kid, public,
            sealed FROM documents WHERE version = 1 AND id =
            (SELECT id FROM blocks WHERE slug = 'basic-auth' AND name = 'prod')""",
            (),
        ),
        ("UPDATE blocks SET version = 4 WHERE slug = 'basic-auth' AND name = 'prod'", ()),
    )
    with pytest.raises(TamperedCiphertext, match="basic-auth/prod@4"):
        vault.load("basic-auth/prod")
    assert load_all(vault) == {"accepted": 9}


def test_a_whole_rollback_cannot_be_seen_from_the_database_alone(vault: Vault) -> None:
    """The limit that SECURITY.md states: what is put back consistently to an old state opens."""
    sql(
        vault,
        ("DELETE FROM documents WHERE version > 1", ()),
        ("UPDATE blocks SET version = 1", ()),
    )
    assert BasicAuth.__name__ == type(vault.load("basic-auth/prod")).__name__
    assert vault.document("basic-auth/prod").version == 1


def test_a_row_of_another_vault_is_refused(vault: Vault, tmp_path: Path) -> None:
    """Same key file, same name, same version, copied with its block's id: not opened."""
    keys = f"file:{vault.keys.provider.path}"  # type: ignore[attr-defined]  # a FileKey
    with Vault.open(str(tmp_path / "other.db"), keys=keys) as other:
        other.save(SecretBlock(value="from the other vault"), "prod")
        [(kid, wrapped)] = rows(other, "SELECT kid, wrapped FROM keys")
        [(block_id, sealed, public)] = rows(
            other, "SELECT block_id, sealed, public FROM blocks JOIN documents USING (id)"
        )
    where = "(SELECT id FROM blocks WHERE slug = 'secret' AND name = 'prod')"
    sql(
        vault,
        (f"UPDATE documents SET sealed = ?, public = ?, kid = ? WHERE id = {where}",
         (sealed, public, kid)),
        (f"UPDATE blocks SET block_id = ? WHERE id = {where}", (block_id,)),
    )  # fmt: skip
    with pytest.raises(KeyUnavailable):
        vault.load("secret/prod")
    sql(vault, ("INSERT INTO keys VALUES (NULL, ?, 'file', ?, '', 0, 0)", (kid, wrapped)))
    with pytest.raises(TamperedCiphertext):
        vault.load("secret/prod")


def test_mutated_rows_of_a_vault_are_refused(vault: Vault) -> None:
    """A sample of the mutations through SQL and `Vault.load`, on sealed and public parts."""
    pick = random.Random(7)
    [(identity, sealed, public)] = rows(
        vault,
        "SELECT id, sealed, public FROM blocks JOIN documents USING (id) WHERE slug = 'secret'"
        " AND name = 'prod'",
    )
    assert isinstance(sealed, bytes)
    assert isinstance(public, bytes)
    tried = 0
    with closing(sqlite3.connect(vault.store.location)) as database:
        for _ in range(300 * SCALE):
            parts = [sealed, public]
            parts[pick.randrange(2)] = mutate(pick, pick.choice(parts), public)
            if parts == [sealed, public]:
                continue
            database.execute("UPDATE documents SET sealed = ?, public = ? WHERE id = ?",
                             (*parts, identity))  # fmt: skip
            database.commit()
            with pytest.raises(TYPED):
                vault.load("secret/prod")
            tried += 1
    assert tried > 250 * SCALE


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("public", b"\xff{not json"),
        ("public", b"[]"),
        ("public", b""),
        ("sealed", b"garbage"),
        ("saved_at", "last Tuesday"),
        ("schema_version", 99),
        ("version", 99),
    ],
)
def test_one_unreadable_document_breaks_no_listing(
    vault: Vault, column: str, value: object
) -> None:
    """The others are listed with their fields, and load; the damaged one raises typed errors."""
    where = "id = (SELECT id FROM blocks WHERE slug = 'secret' AND name = 'prod')"
    sql(vault, (f"UPDATE documents SET {column} = ? WHERE {where}", (value,)))
    readable = [each for each in vault.documents() if str(each.address) != "secret/prod@1"]
    assert len(readable) == 4
    for document in readable:
        assert document.fields
        assert document.saved_at.year > 2000
        assert isinstance(vault.load(document.address), Block)
    damaged = [each for each in vault.documents() if each not in readable]
    for look in {"public": ("fields", "secrets", "uses")}.get(column, (column,)):
        if column in ("public", "saved_at"):
            with pytest.raises(TamperedCiphertext, match="secret/prod"):
                getattr(damaged[0], look)
    if column == "saved_at":
        return  # who saved it and when is not sealed: SECURITY.md says so
    with pytest.raises((*TYPED, BlockNotFound)):
        vault.load("secret/prod")
