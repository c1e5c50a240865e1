"""What an import would do to a vault, and doing it in one transaction."""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple

from brickwork.block import Address, Block
from brickwork.errors import BlockNotFound, BrickworkError, InvalidBlock
from brickwork.importing.model import CannotMap, Child, Entry, Proposal, literal_notes
from brickwork.masking import masker
from brickwork.registry.current import get_registry
from brickwork.vault.batch import Saving
from brickwork.vault.document import Document
from brickwork.vault.notes import MAX_DESCRIPTION, Notes
from brickwork.vault.vault import Vault

Action = Literal["create", "update", "same", "conflict", "cannot map"]
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME = 100


class Row(NamedTuple):
    """What would become of one block.

    Attributes:
        source: How the other tool calls it.
        address: Where it would be saved; empty for what becomes no block.
        action: What would be done.
        reason: Why, or what differs; never a value.
        fields: The names of its fields, where it becomes no block.
    """

    source: str
    address: str
    action: Action
    reason: str = ""
    fields: tuple[str, ...] = ()


class Import(NamedTuple):
    """What an import would do.

    Attributes:
        tool: The other tool.
        rows: Block by block, in the order in which they are saved.
        savings: What is to be saved.
    """

    tool: str
    rows: tuple[Row, ...]
    savings: tuple[Saving, ...]

    def having(self, action: Action) -> list[Row]:
        """Return the rows with one action."""
        return [row for row in self.rows if row.action == action]


def plan_import(
    vault: Vault,
    tool: str,
    entries: Sequence[Entry],
    *,
    prefix: str = "",
    overwrite: bool = False,
    only: Sequence[str] = (),
) -> Import:
    """Compare what entries mean with what is saved. Changes nothing.

    Args:
        vault: Where the blocks would be saved.
        tool: The other tool's name.
        entries: What its export holds.
        prefix: What the names begin with from then on.
        overwrite: Add a version where something else is saved under a name.
        only: Glob patterns of the sources to import; what those use comes with them.
    """
    planner = _Planner(vault, tool, entries, prefix, overwrite)
    for entry in _selected(entries, only):
        planner.add(entry)
    return Import(tool, tuple(planner.rows), tuple(planner.savings))


def apply_import(vault: Vault, plan: Import) -> list[Document]:
    """Save what a plan says, in one transaction.

    Raises:
        BlockExists: Somebody saved something else under one of the names in between.
        BrickworkError: Any other reason; the vault is as it was.
    """
    return vault.save_all(plan.savings, action="import") if plan.savings else []


def _selected(entries: Iterable[Entry], only: Sequence[str]) -> list[Entry]:
    def wanted(entry: Entry) -> bool:
        names = {entry.source, entry.source.rpartition("/")[2], entry.key}
        return any(fnmatchcase(name, pattern) for name in names for pattern in only)

    return [entry for entry in entries if not only or wanted(entry)]


class _Made(NamedTuple):
    """A block that others can refer to, its address, and what is saved there; or why not."""

    block: Block | None
    address: Address | None
    action: Action
    saved: Block | None = None


class _Built(NamedTuple):
    """A block that a proposal means.

    Attributes:
        address: Where it goes.
        block: The block.
        like: The same with the children that are saved now, to compare with.
        uses: The addresses of its children.
        notes: What to say about it.
    """

    address: Address
    block: Block
    like: Block
    uses: set[Address]
    notes: tuple[str, ...]


class _Planner:
    """Works out one import."""

    def __init__(
        self, vault: Vault, tool: str, entries: Iterable[Entry], prefix: str, overwrite: bool
    ) -> None:
        self._vault = vault
        self._tool = tool
        self._entries = {entry.key: entry for entry in entries}
        self._prefix = prefix
        self._overwrite = overwrite
        self._done: dict[str, _Made] = {}
        self._doing: set[str] = set()
        self._taken: dict[Address, str] = {}
        self.rows: list[Row] = []
        self.savings: list[Saving] = []

    def add(self, entry: Entry) -> _Made:
        """Plan an entry, and before it those that it refers to."""
        if entry.key in self._done:
            return self._done[entry.key]
        self._doing.add(entry.key)
        notes, problem = list(entry.notes), entry.problem
        built: list[_Built] = []
        if not problem:
            try:
                built = [self._build(proposal) for proposal in entry.proposals]
            except CannotMap as error:
                problem = str(error)
        if problem and entry.fallback:
            notes = [f"kept as settings and secrets: {problem}"]
            try:
                built, problem = [self._build(proposal) for proposal in entry.fallback], ""
            except CannotMap as error:
                problem = str(error)
        made = _Made(None, None, "cannot map")
        if problem:
            self.rows.append(Row(entry.source, "", "cannot map", problem, entry.fields))
        for index, each in enumerate(built):
            one = self._plan(entry, each, [] if index else notes)
            made = one if index == 0 else made
        self._done[entry.key] = made
        self._doing.discard(entry.key)
        return made

    def _build(self, proposal: Proposal) -> "_Built":
        name, renamed = valid_name(proposal.name + proposal.part, self._prefix)
        uses: set[Address] = set()
        block = self._block(proposal, uses)
        # With children that change, it is still the same if it was with those that are saved.
        like = self._block(proposal, set(), saved=True)
        address = Address(proposal.slug, name)
        notes = [f"called {name} here"] if renamed else []
        return _Built(address, block, like, uses, (*notes, *literal_notes(proposal.fields)))

    def _plan(self, entry: Entry, built: "_Built", notes: list[str]) -> _Made:
        address, block = built.address, built.block
        action, reason, saved = self._compared(address, built.like, built.uses, entry)
        reason = "; ".join(part for part in (reason, *notes, *built.notes) if part)
        self.rows.append(Row(entry.source, str(address), action, reason))
        if action in ("create", "update"):
            about = self._notes(entry, saved)
            source = f"{self._tool}: {entry.source}"
            self.savings.append(Saving(block, address.name, action == "update", about, source))
            return _Made(block, address, action, saved)
        return _Made(saved, address, action, saved)

    def _block(self, proposal: Proposal, uses: set[Address], *, saved: bool = False) -> Block:
        """Make a block of a proposal; notes which other blocks it uses."""
        fields = {name: self._value(v, uses, saved=saved) for name, v in proposal.fields.items()}
        try:
            return get_registry().block_class(proposal.slug)(**fields)
        except InvalidBlock as error:
            problems = "; ".join(map(str, error.problems))
            raise CannotMap(f"{proposal.slug} does not take it: {problems}") from None
        except BrickworkError as error:  # no such class, because a package is missing
            raise CannotMap(f"{error.what} {error.fix}".strip()) from None

    def _value(self, value: Any, uses: set[Address], *, saved: bool) -> Any:
        if isinstance(value, Proposal):
            return self._block(value, uses, saved=saved)
        if not isinstance(value, Child):
            return value
        entry = self._entries.get(value.key)
        if entry is None or value.key in self._doing:
            raise CannotMap("it uses a block that is not in the file, or itself")
        made = self.add(entry)
        if made.block is None or made.address is None or made.action == "conflict":
            raise CannotMap(f"it uses {entry.source}, which is not imported: {made.action}")
        uses.add(made.address)
        return made.saved if saved and made.saved is not None else made.block

    def _compared(
        self, address: Address, block: Block, uses: set[Address], entry: Entry
    ) -> tuple[Action, str, Block | None]:
        """Compare with what is saved; return also that."""
        other = self._taken.setdefault(address, entry.source)
        if other != entry.source:
            return "conflict", f"{other} has that address already", None
        try:
            document = self._vault.document(address)
        except BlockNotFound:
            return "create", "", None
        try:
            saved: Block = self._vault.load(address)
            used = {each._replace(version=None) for each in document.uses}
        except BrickworkError as error:
            return "conflict", f"what is saved there cannot be loaded: {error.what}", None
        if saved == block and used == uses:
            return "same", "", saved
        if self._overwrite:
            return "update", "", saved
        return "conflict", "something else is saved there", saved

    def _notes(self, entry: Entry, saved: Block | None) -> Notes:
        """Return the notes that a block gets: those it has, with a description."""
        before = Notes()
        if saved is not None and saved.address is not None:
            before = self._vault.document(saved.address).notes
        if before.description:
            return before
        text = entry.description or f"imported from {self._tool}: {entry.source}"
        text = masker.mask("".join(each if each.isprintable() else " " for each in text))
        return before._replace(description=text[:MAX_DESCRIPTION])


def valid_name(text: str, prefix: str = "") -> tuple[str, bool]:
    """Return a name that is valid here, and whether it differs. Raises CannotMap."""
    whole = f"{prefix}{text}"
    name = _NOT_IN_A_NAME.sub("-", whole)
    name = name.lstrip("._-")[:_MAX_NAME]
    if not name:
        raise CannotMap("its name has no letter and no digit")
    return name, name != whole


def counts(plan: Import) -> Mapping[str, int]:
    """Return how many rows have each action."""
    found: dict[str, int] = {}
    for row in plan.rows:
        found[row.action] = found.get(row.action, 0) + 1
    return found
