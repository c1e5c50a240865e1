"""The core's own things come through the same hooks as everybody's."""

import inspect

import pytest

from brickwork import Registry, hookspecs
from brickwork.registry.kinds import KINDS, RESERVED

REGISTRY = Registry(discover=False)
OFFERS = [
    (kind, name)
    for kind in ("storages", "serializers", "notifiers", "resolvers", "key_providers", "stores")
    for name in REGISTRY.names(kind)
]


def test_every_kind_has_its_hook() -> None:
    """The kinds of the registry and the hooks are the same, and each hook says what it is for."""
    hooks = {name for name in vars(hookspecs) if name.startswith("brickwork_")}

    assert hooks == {f"brickwork_{kind}" for kind in KINDS}
    for name in hooks:
        described = inspect.getdoc(getattr(hookspecs, name)) or ""
        assert described.startswith("Return "), name
        assert "Called when" in described, name


def test_the_core_offers_what_its_users_count_on() -> None:
    """The names that documents and settings use are there."""
    assert {
        *[("storages", name) for name in ("file", "memory")],
        *[("serializers", name) for name in ("json", "text", "bytes", "pickle", "gzip", "zstd")],
        *[("serializers", name) for name in ("arrow", "parquet")],
        *[("notifiers", name) for name in ("console", "webhook")],
        *[("key_providers", name) for name in ("env", "file", "passphrase")],
        ("stores", "sqlite"),
    } <= set(OFFERS)


@pytest.mark.parametrize(("kind", "name"), OFFERS)
def test_what_the_core_offers_can_be_used(kind: str, name: str) -> None:
    """Each dotted path of the core leads to a class of the right kind."""
    assert inspect.isclass(REGISTRY.get(kind, name))


def test_the_blocks_of_the_core_are_reserved() -> None:
    """No plugin can have a slug that the core uses."""
    assert set(REGISTRY.names("blocks")) >= {"secret", "basic-auth", "settings", "database-url"}
    core = [slug for slug, origin in REGISTRY.names("blocks").items() if origin == "brickwork"]
    assert set(core) <= RESERVED["blocks"]
