"""Working out what applying a manifest would do. Changes nothing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from brickwork._address import Address
from brickwork._safe_yaml import Place
from brickwork.block import Block
from brickwork.errors import (
    BrickworkError,
    InvalidBlock,
    KeyUnavailable,
    PluginError,
    ResolveError,
    UnknownBlock,
)
from brickwork.registry.current import get_registry
from brickwork.store import Record
from brickwork.vault.defining import Definition, define
from brickwork.vault.diff import Change
from brickwork.vault.envelope import Secrets
from brickwork.vault.manifest.comparing import difference, drift_of, notes_on, used_by
from brickwork.vault.manifest.model import Entry, Manifest, Problems, told
from brickwork.vault.manifest.order import circles, ordered
from brickwork.vault.manifest.plan import Action, Base, Step
from brickwork.vault.manifest.values import check_kinds, fields_in, keeps, notes_in, uses_in
from brickwork.vault.migrating import lifted, steps_of as versions_of
from brickwork.vault.notes import Notes, annotated
from brickwork.vault.pointers import steps
from brickwork.vault.reading import Reader
from brickwork.vault.shapes import fields_of

B = TypeVar("B", bound=Block)


class Options(NamedTuple):
    """What a plan may do beside creating and changing what is its own.

    Attributes:
        prune: Delete blocks that the manifest owns and that are not in it any more.
        take_over: Change blocks that another manifest owns, and own them from then on.
        replace_unreadable: Write anew what cannot be read, where the manifest gives all of it.
    """

    prune: bool = False
    take_over: bool = False
    replace_unreadable: bool = False


class Wanted(NamedTuple):
    """A block as the manifest wants it.

    Attributes:
        entry: Where it stands in the manifest.
        cls: Its class.
        fields: Its written fields.
        notes: What is to be said about it.
    """

    entry: Entry
    cls: type[Block]
    fields: dict[str, Any]
    notes: Notes


def steps_of(
    reader: Reader, manifest: Manifest, options: Options, problems: Problems
) -> list[Step]:
    """Return what becomes of each block, in the order in which it is to be done.

    Raises:
        InvalidManifest: With all that is wrong with the manifest.
        KeyUnavailable: There is no key, and something is saved that must be compared.
    """
    planner = _Planner(reader, manifest, options, problems)
    steps = planner.steps()
    problems.raise_if_any()
    unread = [error for error in planner.unread if isinstance(error, KeyUnavailable)]
    if unread and len(unread) == planner.compared:
        raise unread[0]
    return steps


class _Planner:
    def __init__(
        self, reader: Reader, manifest: Manifest, options: Options, problems: Problems
    ) -> None:
        self._reader = _PlannedReader(reader)
        self._store = reader.store
        self._exists = reader.store.exists()
        self._manifest = manifest
        self._options = options
        self._problems = problems
        self._heads = self._newest()
        self._wanted: dict[str, Wanted] = {}
        self._without_class: dict[str, BrickworkError] = {}
        self._doomed: dict[str, Record] = {}
        self.unread: list[BrickworkError] = []
        self.compared = 0

    def steps(self) -> list[Step]:
        """Return the steps; what is wrong with the manifest is noted."""
        entries = self._manifest.entries
        for address, entry in entries.items():
            self._read(address, entry)
        doomed = self._doomed = self._to_prune()
        uses = self._uses()
        for circle in circles(entries, uses):
            self._refuse_circle(circle)
        found = []
        for address in ordered(entries, uses):
            step = self._step(address)
            if step is not None:
                found.append(step)
        return found + [self._deletion(each, uses) for each in reversed(ordered(doomed, uses))]

    def _newest(self) -> dict[str, Record]:
        if not self._exists:
            return {}
        return {f"{head.slug}/{head.name}": head for head in self._store.heads()}

    def _read(self, address: str, entry: Entry) -> None:
        try:
            cls = get_registry().block_class(entry.address.slug)
        except (PluginError, UnknownBlock) as error:
            if address in self._heads:
                self._without_class[address] = error
            else:
                self._problems.error(entry, error)
            return
        fields = fields_in(entry, cls, self._problems)
        check_kinds(entry, cls, fields, self._problems)
        notes = notes_in(entry, self._manifest.name, self._problems)
        self._wanted[address] = Wanted(entry, cls, fields, notes)

    # What depends on what

    def _uses(self) -> dict[str, list[str]]:
        """Return what each block will use, when all is done."""
        uses = {
            address: list(used_by(head))
            for address, head in self._heads.items()
            if address not in self._wanted and address not in self._doomed
        }
        for address, wanted in self._wanted.items():
            targets: dict[str, None] = {}
            for path, target in uses_in(wanted.fields):
                targets[f"{target.slug}/{target.name}"] = None
                self._check_there(wanted.entry, path, target)
            uses[address] = list(targets)
        for address, head in self._doomed.items():
            uses[address] = [each for each in used_by(head) if each in self._doomed]
        return uses

    def _check_there(self, entry: Entry, path: str, target: Address) -> None:
        whole = f"{target.slug}/{target.name}"
        if target.version is not None:
            if not self._exists or self._store.get(*target) is None:
                self._problems.of(entry, f"{target} is not saved here", path)
        elif whole not in self._manifest.entries and whole not in self._heads:
            message = f"{target} is neither in the manifest nor saved here"
            self._problems.of(entry, message, path)

    def _refuse_circle(self, circle: list[str]) -> None:
        first = next((each for each in circle if each in self._wanted), None)
        if first is not None:  # else it is none of ours
            start = circle.index(first)
            names = [*circle[start:], *circle[:start], first]
            self._problems.of(self._wanted[first].entry, f"a circle: {' -> '.join(names)}")

    # One block

    def _step(self, address: str) -> Step | None:
        entry = self._manifest.entries[address]
        record = self._store.get(*entry.address) if address in self._heads else None
        without = self._without_class.get(address)
        if without is not None and record is not None:
            return _unreadable(entry, record, without)
        wanted = self._wanted.get(address)
        if wanted is None:
            return None
        error, today = None, record
        if record is not None:
            self.compared += 1
            try:
                today = self._reader.as_of_today(record)
            except BrickworkError as problem:
                error, today = problem, None
                self.unread.append(problem)
        if record is not None and error is not None and keeps(wanted.fields):
            step = _unreadable(entry, record, error)
            return replace(step, refusal="the manifest keeps secrets of it, and it cannot be read")
        definition = self._defined(wanted, today)
        if definition is None:
            return None
        self._reader.plan(address, definition.block)
        if record is not None and error is not None:
            return self._replacement(wanted, record, error, definition)
        return self._compared(wanted, record, today, definition)

    def _defined(self, wanted: Wanted, current: Record | None) -> Definition | None:
        """Work out what is wanted; what is wrong with it is noted."""
        entry = wanted.entry
        try:
            return define(self._reader, entry.address.slug, wanted.fields, current)
        except InvalidBlock as error:
            for problem in error.problems:
                self._problems.of(entry, problem.message, problem.path)
        except BrickworkError as error:
            self._problems.error(entry, error)
        except Exception as error:  # noqa: BLE001  # the code of a plugin
            from brickwork.registry.plugins import told as told_of

            self._problems.of(entry, f"its class failed with {told_of(error)}")
        return None

    def _compared(
        self, wanted: Wanted, record: Record | None, today: Record | None, definition: Definition
    ) -> Step:
        name = self._manifest.name
        now = None if record is None else notes_on(record)
        owner = now.manifest if now else None
        foreign = owner is not None and owner != name
        notes = wanted.notes
        if name is None and not (foreign and self._options.take_over):
            notes = notes._replace(manifest=owner)
        differs = difference(self._reader, today, definition.encoded, notes)
        action: Action = "create"
        if record is not None:
            action = "same" if not differs else "take over" if foreign else "change"
        step = Step(
            wanted.entry.address,
            action,
            _given(differs.changes, wanted) if record is None else differs.changes,
            differs.notes,
            differs.schema_versions,
            owner=owner,
            missing=definition.missing,
            definition=definition,
        )
        if action == "take over":
            step = replace(step, refusal=self._foreign(owner))
        elif action == "change" and record is not None and now is not None and owner == name:
            step = replace(step, drift=drift_of(record, now))
        return _with_notes(step, record, notes)

    def _replacement(
        self, wanted: Wanted, record: Record, error: BrickworkError, definition: Definition
    ) -> Step:
        """Return the step for what cannot be read, of which the manifest gives all."""
        step = _unreadable(wanted.entry, record, error)
        if not self._options.replace_unreadable:
            return replace(
                step, refusal="it cannot be read; to write it anew, add --replace-unreadable"
            )
        fresh = difference(self._reader, None, definition.encoded, wanted.notes)
        foreign = step.owner not in (None, self._manifest.name)
        step = replace(
            step,
            action="replace",
            changes=_given(fresh.changes, wanted),
            notes=fresh.notes,
            definition=definition,
            missing=definition.missing,
            refusal=self._foreign(step.owner) if foreign else "",
        )
        return _with_notes(step, record, wanted.notes)

    def _foreign(self, owner: str | None) -> str:
        if self._options.take_over:
            return ""
        return f"it belongs to the manifest {owner}; to take it over, add --take-over"

    # What goes

    def _to_prune(self) -> dict[str, Record]:
        if not self._options.prune:
            return {}
        name = self._manifest.name
        if name is None:
            self._problems.add("to prune, give the manifest a name: `manifest: NAME`", "", _NOWHERE)
            return {}
        return {
            address: head
            for address, head in self._heads.items()
            if address not in self._manifest.entries and _owner(head) == name
        }

    def _deletion(self, address: str, uses: Mapping[str, list[str]]) -> Step:
        head = self._heads[address]
        users = [
            user
            for user, targets in uses.items()
            if address in targets and user not in self._doomed
        ]
        return Step(
            Address(head.slug, head.name),
            "delete",
            owner=self._manifest.name,
            refusal=f"{', '.join(sorted(users))} would still use it" if users else "",
            base=Base(head.block_id, head.version),
        )


_NOWHERE = Place(1, 1)


class _PlannedReader(Reader):
    """Reads a vault as it will be: blocks that are planned stand for those that are saved."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader.store, reader.keys)
        self.resolutions = reader.resolutions
        self.warns = False
        self._planned: dict[str, Block | None] = {}
        self._loaded: dict[Address, Block] = {}
        self._opened: dict[tuple[str, str, int], Secrets] = {}

    def plan(self, address: str, block: Block | None) -> None:
        """Take note of a planned block; None for one that cannot be built here."""
        self._planned[address] = block

    def as_of_today(self, record: Record) -> Record:
        """Return a document in the schema version of today, once it is known to be readable.

        Raises what opening and lifting it raise.
        """
        secrets = self.secrets_of(record)
        if versions_of(record, get_registry().block_class):
            try:
                _, encoded = lifted(self, record)
            except ResolveError:
                return record  # to be lifted, it needs something that cannot be fetched here
            secrets = encoded.secrets
            notes = notes_on(record) or Notes()
            record = record._replace(
                public=annotated(encoded.public, None, notes),
                schema_version=encoded.schema_version,
            )
        self._opened[record.slug, record.name, record.version] = secrets
        return record

    def secrets_of(self, record: Record) -> Secrets:
        """Open a document, unless it was opened already."""
        opened = self._opened.get((record.slug, record.name, record.version))
        return super().secrets_of(record) if opened is None else opened

    def load(self, address: Address, expect: type[B]) -> B:
        """Load a planned block, or one that is saved; one that is loaded often, once."""
        text = str(address)
        found = self._planned[text] if text in self._planned else self._loaded.get(address)
        if found is None and text in self._planned:
            raise ResolveError(f"{text} needs something that cannot be fetched here")
        if found is None:
            found = self._loaded[address] = super().load(address, expect)
        return found  # type: ignore[return-value]  # asked for as Block only


def _unreadable(entry: Entry, record: Record, error: BrickworkError) -> Step:
    now = notes_on(record)
    return Step(
        entry.address,
        "unreadable",
        owner=now.manifest if now else None,
        reason=told(error),
        refusal="it cannot be read",
        base=Base(record.block_id, record.version),
    )


def _given(changes: tuple[Change, ...], wanted: Wanted) -> tuple[Change, ...]:
    """Return the changes in fields that the manifest gives; the others have their defaults."""
    known = fields_of(wanted.cls)
    names = {known[name].name for name in wanted.fields}
    return tuple(each for each in changes if steps(each.pointer)[0] in names)


def _with_notes(step: Step, record: Record | None, notes: Notes) -> Step:
    """Return a step that knows what it is based on, and what the new version says."""
    version = 1 if record is None else record.version + 1
    applied = None if notes.manifest is None else version
    return replace(
        step,
        base=None if record is None else Base(record.block_id, record.version),
        saved_notes=notes._replace(applied=applied),
    )


def _owner(head: Record) -> str | None:
    notes = notes_on(head)
    return None if notes is None else notes.manifest
