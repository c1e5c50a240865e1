"""The conformance kit: contracts to subclass, and fixtures for everybody's tests."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brickwork.testing.base import Contract as Contract
    from brickwork.testing.block import BlockContract as BlockContract
    from brickwork.testing.check import CheckContract as CheckContract
    from brickwork.testing.golden import (
        GoldenDocument as GoldenDocument,
        write_golden as write_golden,
    )
    from brickwork.testing.keyprovider import KeyProviderContract as KeyProviderContract
    from brickwork.testing.notifier import NotifierContract as NotifierContract
    from brickwork.testing.package import PackageContract as PackageContract
    from brickwork.testing.resolver import ResolverContract as ResolverContract
    from brickwork.testing.serializer import (
        CodecContract as CodecContract,
        FixedKeys as FixedKeys,
        SerializerContract as SerializerContract,
    )
    from brickwork.testing.storage import StorageContract as StorageContract
    from brickwork.testing.store import StoreContract as StoreContract
    from brickwork.testing.task import TaskContract as TaskContract

_HOME_OF = {
    "Contract": "base",
    "BlockContract": "block",
    "CheckContract": "check",
    "CodecContract": "serializer",
    "FixedKeys": "serializer",
    "GoldenDocument": "golden",
    "KeyProviderContract": "keyprovider",
    "NotifierContract": "notifier",
    "PackageContract": "package",
    "ResolverContract": "resolver",
    "SerializerContract": "serializer",
    "StorageContract": "storage",
    "StoreContract": "store",
    "TaskContract": "task",
    "write_golden": "golden",
}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]  # lazy


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'brickwork.testing' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"brickwork.testing.{_HOME_OF[name]}"), name)
