"""Where and how results are kept: what the options of flows and tasks say about it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from brickwork_flows.errors import InvalidFlow

if TYPE_CHECKING:
    from brickwork import Storage

OPTIONS = frozenset({"persist_result", "result_storage", "result_serializer", "result_storage_key"})
VARIABLE = "BRICKWORK_RESULTS"
"""The environment's storage of larger results, for flows that name none."""


class Where(NamedTuple):
    """A storage that is open, and what opens it in another process."""

    storage: "Storage"
    url: str


class ResultSettings:
    """How the results of a run, and of what it calls, are kept.

    Args:
        folder: Where larger results are kept, unless a storage is named.
        persist: Whether they are kept: always, never, or (None) where they can be.
        storage: The storage as it was given: itself, its address or its URL; None for the folder.
        serializer: The chain; empty: what fits the value.
        opened: Storages that were opened, shared with what the settings are inherited from.
    """

    __slots__ = ("_folder", "_opened", "_storage", "persist", "serializer")

    def __init__(
        self,
        folder: Path,
        persist: bool | None = None,
        storage: object = None,
        serializer: str = "",
        opened: dict[object, Where] | None = None,
    ) -> None:
        self._folder = folder
        self.persist = persist
        self._storage = storage
        self.serializer = serializer
        self._opened: dict[object, Where] = {} if opened is None else opened

    @classmethod
    def outermost(cls, folder: Path) -> Self:
        """Return the settings that a flow inherits which nobody called: those around it."""
        return cls(folder, storage=os.environ.get(VARIABLE) or None)

    def of_flow(self, options: Mapping[str, Any]) -> Self:
        """Return the settings of a flow that inherits these."""
        if OPTIONS.isdisjoint(options):
            return self
        return self._with(options, options.get("persist_result"))

    def of_task(self, options: Mapping[str, Any]) -> Self:
        """Return the settings of a task that inherits these.

        One that says how its results are kept wants them kept.
        """
        if OPTIONS.isdisjoint(options):
            return self
        return self._with(options, options.get("persist_result", True))

    def _with(self, options: Mapping[str, Any], persist: bool | None) -> Self:
        storage = options.get("result_storage")
        return type(self)(
            self._folder,
            self.persist if persist is None else persist,
            self._storage if storage is None else storage,
            options.get("result_serializer") or self.serializer,
            self._opened,
        )

    @property
    def allow_pickle(self) -> bool:
        """Whether who wrote the flow or task chose a chain whose reading can run code."""
        return bool(self.serializer) and runs_code(self.serializer)

    def where(self) -> Where:
        """Open the storage, once.

        Raises:
            BrickworkError: It cannot be opened, or could not be found again.
        """
        key = self._storage if isinstance(self._storage, str) else id(self._storage)
        found = self._opened.get(key)
        if found is None:
            found = self._opened[key] = self._open()
        return found

    def _open(self) -> Where:
        if self._storage is not None:
            return found_again("result_storage", self._storage)
        from urllib.parse import quote

        from brickwork import open_storage

        storage = open_storage(f"file://{quote(os.fsencode(self._folder))}")
        return Where(storage, storage.url)


def found_again(what: str, given: object) -> Where:
    """Open a storage by what an option says, and say how another process does so.

    Args:
        what: The option, for errors.
        given: A storage, its address or its URL.

    Raises:
        InvalidFlow: It is none, or no other process could open it.
        BrickworkError: Its block is not saved, or its package is not installed.
    """
    from brickwork import Block, Storage, open_storage

    if isinstance(given, str):
        _refuse_secret(what, given)
        storage = open_storage(given)
        if isinstance(storage, Block) and storage.address is not None:
            return Where(storage, str(storage.address))
        # The URL of a storage says nothing of the credentials that ?block= names.
        return Where(storage, given if "block=" in given else storage.url)
    if not isinstance(given, Storage):
        raise InvalidFlow(
            f"{what} is a {type(given).__name__}, and no storage.",
            fix='Give a storage, the address of a saved one such as "aws-s3-bucket/reports", or a '
            'URL such as "s3://reports/results?block=aws-credentials/prod".',
        )
    if isinstance(given, Block):
        if given.address is not None:
            return Where(given, str(given.address))
        return _unsaved(what, given)
    url = given.url
    if not _opens(url, given):
        raise InvalidFlow(
            f"{what} is a {type(given).__name__} that its URL does not open, so that no other "
            "process could read what is kept in it.",
            fix="Give a saved block, or a storage whose URL scheme is registered by a package.",
        )
    return Where(given, url)


def _unsaved(what: str, block: Any) -> Where:
    """Return how a block is found again that is not saved: by its URL, if that says it all."""
    if _has_secrets(block) or not _opens(block.url, block):
        raise InvalidFlow(
            f"{what} is a block of the kind {block.slug} that is not saved. It has settings, or "
            "secrets, that its URL does not tell, so that no other process could read the results.",
            fix=f'Save it: block.save("results"). Then give that, or "{block.slug}/results".',
        )
    return Where(block, block.url)


def _opens(url: str, storage: Any) -> bool:
    from brickwork import Block, BrickworkError, open_storage

    try:
        again = open_storage(url)
    except BrickworkError:
        return False
    return again == storage if isinstance(again, Block) else again.url == url


def _has_secrets(block: Any) -> bool:
    from brickwork import SecretExposed

    try:
        block.model_dump(mode="json")
    except SecretExposed:
        return True
    return False


def _refuse_secret(what: str, text: str) -> None:
    from brickwork import mask

    if mask(text) != text:
        raise InvalidFlow(
            f"{what} has a secret in it, and would be recorded with every run.",
            fix="Save the credentials as a block, and name that: s3://bucket?block=kind/name.",
        )


def check_results(what: str, options: Mapping[str, Any]) -> None:
    """Look at the options about results of a flow before anything runs.

    What a vault holds is not looked at: a block is loaded when the flow runs.

    Raises:
        InvalidFlow: One cannot be used.
    """
    from brickwork import BrickworkError

    persist = options.get("persist_result")
    if not isinstance(persist, bool | None):
        raise InvalidFlow(
            f"persist_result of {what} is a {type(persist).__name__}.",
            fix="Write True, False or None.",
        )
    try:
        if options.get("result_serializer") is not None:
            check_serializer(f"result_serializer of {what}", options["result_serializer"])
        if options.get("result_storage") is not None:
            _check_storage(f"result_storage of {what}", options["result_storage"])
    except InvalidFlow:
        raise
    except BrickworkError as error:
        raise InvalidFlow(f"Flow {what!r}: {error.what}", fix=error.fix) from None


def _check_storage(what: str, given: object) -> None:
    if isinstance(given, str) and ("block=" in given or ":" not in given.partition("/")[0]):
        from brickwork import Address

        _refuse_secret(what, given)
        if "block=" not in given:
            Address.parse(given)
        return
    found_again(what, given)


def check_serializer(what: str, given: object) -> None:
    """Look at a chain. Raises InvalidFlow, or what `open_serializer` raises."""
    from brickwork import open_serializer

    if not isinstance(given, str):
        raise InvalidFlow(
            f"{what} is a {type(given).__name__}, and no text.",
            fix='Write a chain such as "json|zstd" or "pickle".',
        )
    open_serializer(given, allow_pickle=True)


_run_code: dict[str, bool] = {}


def runs_code(chain: str) -> bool:
    """Return whether reading what a chain writes can run code."""
    found = _run_code.get(chain)
    if found is None:
        from brickwork import open_serializer

        found = _run_code[chain] = open_serializer(chain, allow_pickle=True).signs
    return found


# Keys


def storage_key(
    template: str,
    parameters: Mapping[str, Any],
    flow_run: Mapping[str, object],
    task_run: Mapping[str, object],
) -> str:
    """Return the key of a result: a template, filled with plain values.

    Args:
        template: Such as ``"{flow_run.name}/{parameters[day]}.json"``.
        parameters: The task's arguments by name.
        flow_run: ``id``, ``name``, ``flow_name``.
        task_run: ``id``, ``name``, ``task_name``, ``run_count``.

    Raises:
        InvalidFlow: A value is a secret, or none that a key can have; or the whole is no key.
    """
    from string import Formatter
    from types import SimpleNamespace

    from brickwork import InvalidKey, check_key, mask

    names = [name for _, name, _, _ in Formatter().parse(template) if name]
    wanted = {name[11:-1] for name in names if name.startswith("parameters[")}
    plain = {name: _plain(name, parameters[name]) for name in sorted(wanted)}
    try:
        key = template.format(
            parameters=plain,
            flow_run=SimpleNamespace(**flow_run),
            task_run=SimpleNamespace(**task_run),
        )
    except (ValueError, TypeError) as error:  # a format that does not fit
        raise InvalidFlow(
            f"result_storage_key {template!r} cannot be filled: {type(error).__name__}.",
            fix="Mend the format after the colon.",
        ) from None
    if mask(key) != key:
        raise InvalidFlow(
            f"result_storage_key {template!r} would have a secret in the key.",
            fix="Use other parameters.",
        )
    try:
        return check_key(key)
    except InvalidKey as error:
        raise InvalidFlow(f"result_storage_key {template!r}: {error.what}", fix=error.fix) from None


def _plain(name: str, value: object) -> object:
    from datetime import date, datetime, time
    from uuid import UUID

    # A subclass may format itself in any way, so only the exact type makes a value plain.
    if type(value) in (str, int, float, bool, date, datetime, time, UUID):
        return value
    raise InvalidFlow(
        f"result_storage_key uses the parameter {name!r}, which is a {type(value).__name__}.",
        fix="Use texts, numbers, dates, times and UUIDs.",
    )
