"""Golden documents: what any release sealed is opened for ever, and what must fail fails.

The file was made once with ``python core/tests/test_vault_vectors.py``, which refuses to write over
it. A new format gets a file of its own.
"""

import json
import os
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from brickwork import errors
from brickwork.crypto import NamedKey, derive, key_id
from brickwork.errors import BrickworkError, KeyUnavailable
from brickwork.vault.envelope import Identity, Secrets, open_secrets, seal_secrets

VECTORS = Path(__file__).parent / "vectors" / "document_v1.json"
ROOT = bytes(range(32))
OTHER_ROOT = bytes(range(32, 64))
STORE = bytes(range(64, 80))
BLOCK = bytes(range(80, 96))


def golden() -> dict[str, Any]:
    """Return what the file holds."""
    loaded: dict[str, Any] = json.loads(VECTORS.read_text())
    return loaded


def identity_of(case: dict[str, Any]) -> Identity:
    """Return the place that a case names."""
    place = case["identity"]
    return Identity(
        bytes.fromhex(place["store_id"]),
        place["slug"],
        bytes.fromhex(place["block_id"]),
        place["name"],
        place["schema_version"],
        place["version"],
    )


def open_case(case: dict[str, Any]) -> Secrets:
    """Open a case with the root keys of the file."""
    roots = {key_id(root): root for root in map(bytes.fromhex, golden()["root_keys"])}

    def wrapping_key(kid: bytes) -> bytes:
        if kid not in roots:
            raise KeyUnavailable("no such root key", kid=kid.hex(), fix="none")
        return derive(roots[kid], "wrap")

    return open_secrets(
        wrapping_key,
        identity_of(case),
        bytes.fromhex(case["public"]),
        bytes.fromhex(case["sealed"]),
    )


def as_json(secrets: Secrets) -> dict[str, Any]:
    """Return secrets as the file has them."""
    return {k: v if isinstance(v, str) else {"hex": v.hex()} for k, v in secrets.items()}


def cases(kind: str) -> list[Any]:
    """Return the cases of one kind as parameters."""
    found = golden()[kind] if VECTORS.exists() else []
    return [pytest.param(case, id=case["what"]) for case in found]


@pytest.mark.parametrize("case", cases("open"))
def test_golden_documents_open(case: dict[str, Any]) -> None:
    """Each opens to exactly the secrets that were sealed."""
    assert as_json(open_case(case)) == case["secrets"]


@pytest.mark.parametrize("case", cases("fail"))
def test_golden_failures_fail(case: dict[str, Any]) -> None:
    """Each raises exactly the error that it is there for."""
    with pytest.raises(BrickworkError) as caught:
        open_case(case)
    assert type(caught.value) is getattr(errors, case["error"])


def test_the_file_is_whole() -> None:
    """Nobody made the test pass by taking cases away."""
    assert len(golden()["open"]) >= 8
    assert len(golden()["fail"]) >= 40
    assert {case["error"] for case in golden()["fail"]} == {
        "TamperedCiphertext",
        "TruncatedCiphertext",
        "UnsupportedFormat",
        "KeyUnavailable",
    }


# The generator


def _make() -> dict[str, Any]:
    numbers = count(1)

    def not_random(size: int) -> bytes:  # only here: the same bytes whenever the file is made
        return derive(ROOT, f"vector {next(numbers)}", size)

    real, os.urandom = os.urandom, not_random
    try:
        return _document()
    finally:
        os.urandom = real


def _case(
    what: str, place: Identity, public: bytes, sealed: bytes, **more: object
) -> dict[str, Any]:
    named = place._asdict()
    named |= {key: named[key].hex() for key in ("store_id", "block_id")}
    return {
        "what": what,
        "identity": named,
        "public": public.hex(),
        "sealed": sealed.hex(),
        **more,
    }


def _document() -> dict[str, Any]:
    place = Identity(STORE, "basic-auth", BLOCK, "prod", 1, 1)
    public = b'{"blocks":{},"fields":{"password":null,"username":"me"},"secrets":["/password"]}'
    keys = [NamedKey(key_id(root), derive(root, "wrap")) for root in (ROOT, OTHER_ROOT)]
    secrets = {"/password": "hunter2"}
    plain: list[tuple[str, Identity, bytes, dict[str, Any]]] = [
        ("one secret", place, public, secrets),
        ("no secret", place, b"{}", {}),
        ("an empty secret", place, public, {"/password": ""}),
        ("text beyond ASCII", place, public, {"/p": "p\u00e4ss\u20ac\U0001f511\x00\ud800"}),
        ("bytes", place, public, {"/key": bytes(range(256)), "/empty": b""}),
        ("many, nested", place, public, {f"/a~1b/{n}/~0c": f"secret {n}" for n in range(20)}),
        ("exactly one bucket", place, public, {"/p": "x" * (64 - len('{"/p":""}'))}),
        ("one byte over a bucket", place, public, {"/p": "x" * (65 - len('{"/p":""}'))}),
        ("large numbers", place._replace(schema_version=2**32 - 1, version=2**63), public, secrets),
        ("4 kibibytes", place, public, {"/p": "0123456789abcdef" * 256}),
    ]
    opens = [
        _case(
            what,
            at,
            clear,
            seal_secrets(keys[0], at, clear, Secrets(each)),
            secrets=as_json(Secrets(each)),
        )
        for what, at, clear, each in plain
    ]
    sealed = seal_secrets(keys[1], place, public, Secrets(secrets))
    opens.append(_case("another root key", place, public, sealed, secrets=secrets))
    return {
        "format": "BLK1",
        "root_keys": [ROOT.hex(), OTHER_ROOT.hex()],
        "open": opens,
        "fail": _failures(place, public, keys),
    }


def _failures(place: Identity, public: bytes, keys: list[NamedKey]) -> list[dict[str, Any]]:
    sealed = seal_secrets(keys[0], place, public, Secrets({"/password": "hunter2"}))
    other = seal_secrets(keys[0], place, public, Secrets({"/password": "hunter3"}))
    second = seal_secrets(keys[1], place, public, Secrets({"/password": "hunter2"}))
    unknown_root = derive(ROOT, "a root key that is not in the file")
    unknown = NamedKey(key_id(unknown_root), derive(unknown_root, "wrap"))
    tampered, found = "TamperedCiphertext", []

    def fail(
        what: str, error: str, data: bytes, at: Identity = place, clear: bytes = public
    ) -> None:
        found.append(_case(what, at, clear, data, error=error))

    for size in (0, 1, 3, 4, 5, 6, 13, 14, 46, 48, 108, 135):
        fail(f"cut to {size} bytes", "TruncatedCiphertext", sealed[:size])
    for size in (136, len(sealed) - 16, len(sealed) - 1):
        fail(f"cut to {size} bytes", tampered, sealed[:size])
    for more in (b"\0", sealed[-16:], sealed):
        fail(f"{len(more)} bytes more", tampered, sealed + more)
    parts = {"commitment": 14, "wrap length": 46, "wrap nonce": 48, "wrapped key": 60,
             "wrap tag": 92, "nonce": 108, "ciphertext": 120, "tag": len(sealed) - 1}  # fmt: skip
    for what, at in parts.items():
        fail(f"a bit of the {what}", tampered, _flip(sealed, at))
    for what, at in {"magic": 3, "suite": 4, "flags": 5}.items():
        fail(f"a bit of the {what}", "UnsupportedFormat", _flip(sealed, at))
    fail("a bit of the kid", "KeyUnavailable", _flip(sealed, 6))
    fail("format 2", "UnsupportedFormat", b"BLK2" + sealed[4:])
    fail("a Fernet token", "UnsupportedFormat", b"gAAAAABh" + bytes(140))
    fail("text", "UnsupportedFormat", b'{"password": "hunter2"}')
    fail("an unknown root key", "KeyUnavailable",
         seal_secrets(unknown, place, public, Secrets({"/p": "x"})))  # fmt: skip
    fail("the kid of another root key", tampered, sealed[:6] + keys[1].kid + sealed[14:])
    for what, at in {"header": 14, "header and commitment": 46, "all but the text": 108}.items():
        if at > 14:  # magic, suite and kid are the same in both
            fail(f"{what} of another document", tampered, other[:at] + sealed[at:])
        fail(f"{what} of one under another root key", tampered, second[:at] + sealed[at:])
    fail("another vault", tampered, sealed, place._replace(store_id=BLOCK))
    fail("another slug", tampered, sealed, place._replace(slug="secret"))
    fail("another block", tampered, sealed, place._replace(block_id=STORE))
    fail("another name", tampered, sealed, place._replace(name="staging"))
    fail("another schema version", tampered, sealed, place._replace(schema_version=2))
    fail("another version", tampered, sealed, place._replace(version=2))
    fail("other public fields", tampered, sealed, clear=public.replace(b"me", b"you"))
    fail("no public fields", tampered, sealed, clear=b"")
    joined = place._replace(slug="basic-authp", name="rod")
    fail("the same letters, otherwise divided", tampered, sealed, joined)
    return found


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


if __name__ == "__main__":
    if VECTORS.exists():
        sys.exit(f"{VECTORS} exists: golden vectors are never written again.")
    VECTORS.write_text(json.dumps(_make(), indent=1) + "\n")
    print(f"wrote {VECTORS}")
