"""Golden documents: what releases of a package have saved, kept in its tests as JSON.

::

    {
      "format": "brickwork.golden/1",
      "slug": "acme-account",
      "schema_version": 1,
      "fields": {"login": "robot", "password": null},
      "secrets": {"/password": "a-sample-password"},
      "blocks": {}
    }

Sample values in clear, no keys: nothing has to be decrypted, and a diff shows what changed.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from brickwork import Block, BrickworkError
from brickwork.registry.current import get_registry
from brickwork.vault.codec import decode, text_of
from brickwork.vault.diff import Content
from brickwork.vault.envelope import Secrets
from brickwork.vault.parts import encode

FORMAT = "brickwork.golden/1"

_NAME = re.compile(r"(?P<slug>[a-z0-9-]+)@(?P<version>\d+)(?:-[\w.-]+)?\.json")


class GoldenDocument(NamedTuple):
    """A document of an old release.

    Attributes:
        schema_version: The one it was saved with.
        fields: Its fields: JSON values, `Secret` objects, blocks.
        expected: The block that it must become today.
    """

    schema_version: int
    fields: dict[str, Any]
    expected: Block


def write_golden(block: Block, folder: Path) -> Path:
    """Write a block as the golden document of its class's schema version, and return the file.

    Blocks inside must be unsaved ones, so that the document is whole. A file that is there already
    stays: it is what a release has saved.

    Args:
        block: With sample values; they are written in clear.
        folder: Where golden documents are kept; made if need be.

    Raises:
        BlockError: The block cannot be stored, or holds a block that is saved on its own.
    """
    encoded = encode(block, None, get_registry().block_class)
    public = json.loads(encoded.public)
    content = {
        "format": FORMAT,
        "slug": encoded.slug,
        "schema_version": encoded.schema_version,
        "fields": public["fields"],
        "secrets": {at: _as_json(encoded.secrets[at]) for at in sorted(encoded.secrets)},
        "blocks": public["blocks"],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / golden_name(type(block))
    if not path.exists():
        text = json.dumps(content, indent=2, ensure_ascii=False)
        path.write_text(f"{text}\n", encoding="utf-8")
    return path


def golden_name(cls: type[Block]) -> str:
    """Return the name of the file for a class's schema version of today: ``slug@1.json``.

    More of one version are ``slug@1-something.json``.
    """
    return f"{cls.slug}@{cls.schema_version}.json"


def golden_paths(folder: Path | None, slug: str) -> list[Path]:
    """Return the golden documents of a slug, by name."""
    files = sorted(folder.glob(f"{slug}@*.json")) if folder is not None else []
    return [path for path in files if _NAME.fullmatch(path.name)]


def version_of(path: Path) -> int:
    """Return the schema version of a golden document, from its name."""
    found = _NAME.fullmatch(path.name)
    assert found, f"{path.name}: call a golden document slug@1.json, or slug@1-something.json."
    return int(found["version"])


def assert_golden_loads(path: Path, cls: type[Block]) -> None:
    """Assert that a golden document still becomes a block, and loses nothing.

    Args:
        path: The document.
        cls: The class of today.
    """
    content = _read(path, cls)
    secrets = Secrets({at: _from_json(value) for at, value in content["secrets"].items()})
    version = content["schema_version"]
    public = text_of(
        {"fields": content["fields"], "secrets": sorted(secrets), "blocks": content["blocks"]}
    )
    class_of = get_registry().block_class
    try:
        block = decode(cls, version, public, secrets, class_of, _no_child, lambda _: {})
    except BrickworkError as error:
        raise AssertionError(
            f"{path.name}, which a release has saved, cannot be loaded any more: {error.what}\n"
            f"  fix: {error.fix} Do not change {path.name}."
        ) from None
    if version != cls.schema_version:
        return
    before = Content(public, secrets, path.name)
    again = encode(block, None, class_of)
    after = Content(again.public, again.secrets, path.name)
    lost = [at for at in before.leaves if not _kept(at, before, after)]
    assert not lost, (
        f"{path.name}, which a release has saved, reads otherwise now: {', '.join(sorted(lost))}.\n"
        f"  fix: Undo the change, or raise schema_version of {cls.__name__} to "
        f"{cls.schema_version + 1} and add a function marked @migration({cls.schema_version}) that "
        f"makes the old fields fit. Do not change {path.name}."
    )


def _kept(pointer: str, before: Content, after: Content) -> bool:
    """Tell whether a value came through; that of a block inside may have been migrated."""
    for at, (_, version) in before.schema.items():
        inside = pointer == at or pointer.startswith(f"{at}/")
        if inside and after.schema.get(at, ("", version))[1] != version:
            return True
    old, new = before.leaves[pointer], after.leaves.get(pointer)
    if new is None or (old.what, old.text) != (new.what, new.text):
        # An empty list or dict has got entries by a default: nothing of the old is lost.
        return new is None and old.text in ("[]", "{}")
    assert before.secrets is not None
    assert after.secrets is not None
    return before.secrets.get(pointer) == after.secrets.get(pointer)


def _read(path: Path, cls: type[Block]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert content.get("format") == FORMAT, f"{path.name} is no golden document of {FORMAT}."
    assert (content["slug"], content["schema_version"]) == (cls.slug, version_of(path)), (
        f"{path.name} says that it is {content['slug']}@{content['schema_version']}."
    )
    return content


def _no_child(pointer: str, address: str) -> Block:
    raise AssertionError(f"{pointer} refers to {address}: a golden document has all inside.")


def _as_json(secret: str | bytes) -> str | Mapping[str, str]:
    return secret if isinstance(secret, str) else {"base64": b64encode(secret).decode()}


def _from_json(value: Any) -> str | bytes:
    return value if isinstance(value, str) else b64decode(value["base64"])
