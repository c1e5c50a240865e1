"""Fetching what references stand for: many at once, kept for a while, failures too."""

import os
import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from brickwork.block import Address, Block
from brickwork.errors import BrickworkError, ResolveError
from brickwork.registry.current import get_registry
from brickwork.secret import Secret
from brickwork.vault.pointers import dotted
from brickwork.vault.references import Reference, Template

if TYPE_CHECKING:
    from brickwork.resolver import Resolver

FAILURE_SECONDS = 10.0
"""How long a failure is kept at most: whoever mends the cause should not wait for long."""

MAX_KEPT = 10_000
"""How many values of one scheme are kept; all are forgotten when there are more."""


class Resolutions:
    """What references gave, for one vault in one process.

    Values are kept as long as their resolver says (`Resolver.ttl_seconds`). Threads that need
    values of one scheme wait for each other, so that what many need at once is fetched once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._schemes: dict[str, _Scheme] = {}

    def fetch(self, references: Iterable[Reference]) -> dict[Reference, str | ResolveError]:
        """Return the value of each reference, or why there is none. Never raises ResolveError."""
        wanted: dict[str, list[Reference]] = {}
        for reference in dict.fromkeys(references):
            wanted.setdefault(reference.scheme, []).append(reference)
        found: dict[Reference, str | ResolveError] = {}
        for scheme, group in wanted.items():
            try:
                found.update(self._scheme(scheme).fetch(group))
            except BrickworkError as error:  # no such resolver, or its plugin is broken
                failure = error if isinstance(error, ResolveError) else _failed(scheme, error)
                found.update(dict.fromkeys(group, failure))
        return found

    def write(self, reference: Reference, value: Secret[str]) -> None:
        """Write a value where a reference points. Raises ResolveError, PluginMissing."""
        self._scheme(reference.scheme).write(reference, value)

    def forget(self) -> None:
        """Forget all values."""
        self._schemes = {}

    def _scheme(self, scheme: str) -> "_Scheme":
        if self._pid != os.getpid():
            # A thread of the parent may have held a lock when this process was forked.
            self._lock, self._pid, self._schemes = threading.Lock(), os.getpid(), {}
        found = self._schemes.get(scheme)
        if found is None:
            resolver = get_registry().resolver(scheme)()
            with self._lock:
                found = self._schemes.setdefault(scheme, _Scheme(resolver))
        return found


class _Scheme:
    """The values of one scheme."""

    def __init__(self, resolver: "Resolver") -> None:
        self._resolver = resolver
        self._lock = threading.RLock()
        self._busy = False
        self._kept: dict[Reference, tuple[float, Secret[str] | ResolveError]] = {}

    def fetch(self, references: list[Reference]) -> dict[Reference, str | ResolveError]:
        answers = self._fresh(references)
        if len(answers) < len(references):
            with self._lock:
                answers = self._fresh(references)  # another thread may have fetched them
                missing = [each for each in references if each not in answers]
                if missing:
                    answers.update(self._ask(missing))
        return {
            reference: answer.reveal() if isinstance(answer, Secret) else answer
            for reference, answer in answers.items()
        }

    def write(self, reference: Reference, value: Secret[str]) -> None:
        try:
            self._resolver.write(reference.path, reference.field, value)
        finally:
            # All of them: what was written may be read by other names too.
            self._kept.clear()

    def _fresh(self, references: list[Reference]) -> dict[Reference, Secret[str] | ResolveError]:
        now = time.monotonic()
        found: dict[Reference, Secret[str] | ResolveError] = {}
        for reference in references:
            kept = self._kept.get(reference)
            if kept is not None and now < kept[0]:
                found[reference] = kept[1]
        return found

    def _ask(self, missing: list[Reference]) -> dict[Reference, Secret[str] | ResolveError]:
        if self._busy:
            raise ResolveError(
                f"Fetching {missing[0]} needs {missing[0]} itself, or another of its scheme.",
                fix="Give the block that the resolver uses literal values, or other references.",
            )
        self._busy = True
        try:
            given = self._resolver.resolve_many([(each.path, each.field) for each in missing])
        finally:
            self._busy = False
        answers = {each: _answer(each, given) for each in missing}
        self._keep(answers)
        return answers

    def _keep(self, answers: Mapping[Reference, Secret[str] | ResolveError]) -> None:
        seconds = self._resolver.ttl_seconds
        if seconds <= 0:
            return
        if len(self._kept) + len(answers) > MAX_KEPT:
            self._kept.clear()
        now = time.monotonic()
        for reference, answer in answers.items():
            failed = isinstance(answer, ResolveError)
            self._kept[reference] = (
                now + (min(seconds, FAILURE_SECONDS) if failed else seconds),
                answer,
            )


def _answer(
    reference: Reference, given: Mapping[tuple[str, str | None], Secret[str] | ResolveError]
) -> Secret[str] | ResolveError:
    answer = given.get((reference.path, reference.field))
    if isinstance(answer, ResolveError | Secret):
        return answer
    return ResolveError(
        f"The resolver of {reference.scheme!r} gave no answer for {reference}.",
        fix="The resolver is at fault: run ResolverContract on it.",
    )


def _failed(scheme: str, error: BrickworkError) -> ResolveError:
    return ResolveError(f"References to {scheme!r} cannot be resolved: {error.what}", fix=error.fix)


def filled(
    templates: Mapping[str, Template],
    found: Mapping[Reference, str | ResolveError],
    where: Address | None,
) -> dict[str, str]:
    """Return the texts of templates, by pointer.

    Raises:
        ResolveError: There is an error among the values; names every field that lacks one.
    """
    failures = [
        (pointer, answer)
        for pointer, template in templates.items()
        for reference in template.references
        if isinstance(answer := found[reference], ResolveError)
    ]
    if failures and where is None:
        raise failures[0][1]
    if failures:
        lacking = "; ".join(f"{dotted(pointer)}: {error.what}" for pointer, error in failures)
        raise ResolveError(
            f"{where} has references that give no value. {lacking}", fix=failures[0][1].fix
        )
    values: dict[Reference, Any] = dict(found)
    return {pointer: template.filled(values) for pointer, template in templates.items()}


def field_of(block: Block, reference: Reference) -> str | ResolveError:
    """Return a field of a block, as text; the only one where the reference names none."""
    names = list(type(block).model_fields)
    field = reference.field or (names[0] if len(names) == 1 else "")
    value: Any = block
    for step in field.split("."):
        try:
            if isinstance(value, list | tuple):
                value = value[int(step)]
            elif isinstance(value, dict):
                value = value[step]
            elif step in type(value).model_fields:
                value = getattr(value, step)
            else:
                raise LookupError(step)
        except (LookupError, ValueError, AttributeError):
            return ResolveError(
                f"{reference}: {block.address} has no field {field!r}."
                if field
                else f"{reference} names no field of {block.address}.",
                fix=f"Its fields are: {', '.join(names)}.",
            )
    return _as_text(value, reference)


def _as_text(value: Any, reference: Reference) -> str | ResolveError:
    import json

    if isinstance(value, Secret):
        value = value.reveal()
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            value = None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | int | float | list | dict):
        try:
            return json.dumps(value)
        except (TypeError, ValueError):
            pass
    return ResolveError(
        f"{reference}: the field is no text, number or JSON.", fix="Refer to a field inside it."
    )
