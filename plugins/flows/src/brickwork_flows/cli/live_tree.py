"""The tree of a run: what runs in it, what has ended, and how; in lines for a terminal.

Many calls of one name are one line with counts, so that the tree of ten thousand tasks is as small
and as cheap as that of ten.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from brickwork import Progress
from brickwork.commands import harmless
from brickwork_flows.artifacts.records import ProgressShown
from brickwork_flows.cli.live_text import Row, Style
from brickwork_flows.history.events import RunStarted, StateSet
from brickwork_flows.states import FINAL
from brickwork_flows.submission import Submitted

SHOWN = 5
"""So many calls of one name have lines of their own; of more, only some that are worth one."""

WORTH_SHOWING = 3

_ENDED = frozenset(kind.value for kind in FINAL)
_BAD = frozenset({"failed", "crashed", "cancelled"})
_NAMED = frozenset({"cancelled", "crashed", "paused", "cancelling"})
"""States that their signs do not tell."""

_ORDER = ("failed", "crashed", "cancelled", "running", "scheduled", "paused", "cancelling")
_WORDS = {"scheduled": "waiting for a retry"}
_STYLES: Mapping[str, Style] = {
    "completed": "green",
    "failed": "red",
    "crashed": "red",
    "cancelled": "yellow",
    "cancelling": "yellow",
    "paused": "yellow",
    "scheduled": "yellow",
    "running": "cyan",
}


class Signs(NamedTuple):
    """What stands before a line.

    Attributes:
        spinner: One after the other, for what runs.
        of: By type of state; a space for any other.
    """

    spinner: str
    of: Mapping[str, str]


SIGNS = Signs(
    "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏",
    {"completed": "✓", "failed": "✗", "crashed": "✗", "cancelled": "■", "scheduled": "↻"},
)
PLAIN_SIGNS = Signs(
    "|/-\\", {"completed": "+", "failed": "x", "crashed": "x", "cancelled": "!", "scheduled": "~"}
)
"""For terminals that do not speak UTF-8."""


class Node:
    """A run in the tree."""

    __slots__ = ("attempt", "began", "ended", "groups", "label", "message", "state", "type")

    def __init__(self, label: str) -> None:
        self.label = label
        self.type = "pending"
        self.state = ""
        self.message = ""
        self.attempt = 0
        self.began = 0.0
        self.ended = 0.0
        self.groups: dict[str, Group] = {}

    def set(self, event: StateSet, began: float) -> None:
        """Bring it into a state; it began at that time, unless it had begun before."""
        self.type, self.state, self.message = event.type, event.name, event.message
        self.attempt = event.attempt
        self.began = self.began or began
        self.ended = event.at if event.type in _ENDED else 0.0


class Group:
    """The calls of one name that a run makes."""

    __slots__ = ("alive", "began", "counts", "ended", "kept", "seen", "submitted")

    def __init__(self) -> None:
        self.submitted = 0
        self.seen = 0
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.alive: dict[str, Node] = {}
        self.kept: dict[str, Node] = {}  # by id: the first ones, and the first that ended badly
        self.began = 0.0
        self.ended = 0.0

    @property
    def total(self) -> int:
        """How many calls are known of."""
        return max(self.submitted, self.seen)

    def tells(self, kind: str) -> bool:
        """Whether one that ended so is worth a line; only the first that ended badly are."""
        return kind in _BAD and self.counts[kind] <= WORTH_SHOWING


class Tree:
    """The run of a flow with what runs in it, brought up to date by events.

    Args:
        run_id: The run's id; of an inner run, only what is within it is shown.
        label: Its name, until it is known.
    """

    def __init__(self, run_id: str, label: str) -> None:
        self._id = run_id
        self.root = Node(harmless(label))
        self._types: dict[str, str] = {}
        self._groups: dict[str, Group] = {}  # by parent's id and name
        self.progress: dict[str, Progress] = {}
        """By run, how far it says it is."""
        self.artifacts: dict[str, dict[str, ProgressShown]] = {}
        """By run, what progress its artifacts show, by their ids."""
        self._makers: dict[str, str] = {}  # by artifact's id, the run that made it

    def add(self, events: Iterable[object]) -> None:
        """Take note of what happened; events of other runs are passed over."""
        # Most tasks begin and end between two frames; only the last state of each counts then.
        began: dict[str, float] = {}
        last: dict[str, StateSet] = {}
        for event in events:
            if type(event) is StateSet:
                run = event.run
                if run not in last:
                    began[run] = event.at
                last[run] = event
            elif type(event) is RunStarted:
                if event.run_name != event.key:
                    self.rename(event.id, event.run_name)
            elif type(event) is Submitted:
                group = self._group(event.run)
                if group is not None:
                    group.submitted += 1
            elif type(event) is ProgressShown:
                self._show(event)
        for run, state in last.items():
            self._set(run, state, began[run])

    def _show(self, event: ProgressShown) -> None:
        run = event.run or self._makers.get(event.id)
        if not run or (run != self._id and self._group(run) is None):
            return
        self._makers[event.id] = run
        shown = self.artifacts.setdefault(run, {})
        before = shown.get(event.id)
        label = event.label if event.label is not None or before is None else before.label
        shown[event.id] = event._replace(label=label)

    def rename(self, run: str, name: str) -> None:
        """Give a run its name; one that is but its path is left out."""
        if name and not run.endswith(name):
            node = self._node(run)
            if node is not None:
                node.label = harmless(name)

    def _is_within(self, run: str) -> bool:
        start = len(self._id)
        return run.startswith(self._id) and run[start : start + 1] in (".", "/")

    def _set(self, run: str, event: StateSet, began: float) -> None:
        if run == self._id:
            self.root.set(event, began)
            return
        group = self._group(run)
        if group is None:
            return
        before, kind = self._types.get(run), event.type
        self._types[run] = kind
        group.counts[kind] += 1
        if before is None:
            group.seen += 1
            group.began = group.began or began
        else:
            group.counts[before] -= 1
        node = group.alive.get(run) or group.kept.get(run)
        ended = kind in _ENDED
        if ended:
            group.ended = event.at
            group.alive.pop(run, None)
            self.progress.pop(run, None)
            if run in self.artifacts:
                for artifact in self.artifacts.pop(run):
                    del self._makers[artifact]
            if node is None and len(group.kept) >= SHOWN and not group.tells(kind):
                return
        node = node or Node(_last_part(run))
        node.set(event, began)
        if not ended:
            group.alive[run] = node
        elif len(group.kept) < SHOWN or group.tells(kind):
            group.kept[run] = node

    def _group(self, run: str) -> Group | None:
        """Return the calls of one name that a run is one of; None if it is not within this one."""
        stem = run.rpartition("-")[0]
        group = self._groups.get(stem)
        if group is None and self._is_within(run):
            above, _, name = stem.rpartition("/")
            if not above:
                above, _, name = stem.partition(".")
            group = self._groups[stem] = Group()
            parent = self._node(above)
            if parent is not None:  # else it has ended, as one of many, and is not shown
                parent.groups[name] = group
        return group

    def _node(self, run: str) -> Node | None:
        if run == self._id:
            return self.root
        group = self._group(run)
        if group is None:
            return None
        node = group.alive.get(run) or group.kept.get(run)
        if node is None and run not in self._types:
            node = group.alive[run] = Node(_last_part(run))
        return node

    # Lines

    def rows(self, height: int, signs: Signs = SIGNS, now: float = 0.0) -> list[Row]:
        """Return the tree in lines.

        Args:
            height: How many at most; what has ended gives way first.
            signs: What stands before them.
            now: The time, in seconds since 1970; by default the time it is.
        """
        drawing = _Drawing(signs, now or time.time(), self.progress, self.artifacts)
        rows = list(drawing.run(self._id, self.root, 0))
        left_out = len(rows) - height
        if left_out <= 0:
            return rows
        left_out += 1
        ended = [number for number, row in enumerate(rows) if row.ended and number][:left_out]
        dropped = set(ended)
        kept = [row for number, row in enumerate(rows) if number not in dropped]
        kept = kept[: height - 1]
        place = ended[0] if ended and ended[0] < len(kept) else len(kept)
        kept.insert(place, Row(1, "", "", f"... {len(rows) - len(kept)} more", "", ended=True))
        return kept


class _Drawing:
    def __init__(
        self,
        signs: Signs,
        now: float,
        progress: Mapping[str, Progress],
        artifacts: Mapping[str, Mapping[str, ProgressShown]],
    ) -> None:
        self._signs = signs
        self._spin = signs.spinner[int(now * 10) % len(signs.spinner)]
        self._now = now
        self._progress = progress
        self._artifacts = artifacts

    def run(self, run: str, node: Node, depth: int) -> Iterator[Row]:
        """Yield a run, and what is within it."""
        yield self._row(depth, node.type, node.label, self._about(run, node), node)
        start = f"{run}." if "." not in run else f"{run}/"
        for name, group in list(node.groups.items()):
            yield from self._calls(f"{start}{name}", name, group, depth + 1)

    def _calls(self, stem: str, name: str, group: Group, depth: int) -> Iterator[Row]:
        nodes = {**group.kept, **group.alive}
        if group.total <= SHOWN:
            for run in sorted(nodes, key=lambda each: int(each[len(stem) + 1 :] or 0)):
                yield from self.run(run, nodes[run], depth)
            if group.submitted > group.seen:
                waiting = f"{group.submitted - group.seen} waiting"
                yield Row(depth, " ", "", harmless(name), waiting, ended=False)
            return
        done = sum(group.counts.get(kind, 0) for kind in _ENDED)
        parts = [
            f"{group.counts[kind]} {_WORDS.get(kind, kind)}"
            for kind in _ORDER
            if group.counts.get(kind)
        ]
        ended = done >= group.total
        kind = (
            "running" if not ended else next((k for k in _BAD if group.counts.get(k)), "completed")
        )
        parts.append(_duration((group.ended if ended else self._now) - group.began))
        label = f"{harmless(name)} {done}/{group.total}"
        yield Row(depth, self._sign(kind), _STYLES.get(kind, ""), label, ", ".join(parts), ended)
        bad = [run for run, node in group.kept.items() if node.type in _BAD]
        telling = (
            run
            for run, node in list(group.alive.items())
            if node.groups
            or run in self._progress
            or run in self._artifacts
            or node.type == "scheduled"
        )
        for _, run in zip(range(WORTH_SHOWING), telling, strict=False):
            yield from self.run(run, group.alive.get(run) or nodes[run], depth + 1)
        for run in bad[:WORTH_SHOWING]:
            yield from self.run(run, nodes[run], depth + 1)

    def _row(self, depth: int, kind: str, label: str, about: str, node: Node) -> Row:
        return Row(depth, self._sign(kind), _STYLES.get(kind, ""), label, about, bool(node.ended))

    def _sign(self, kind: str) -> str:
        return self._spin if kind == "running" else self._signs.of.get(kind, " ")

    def _about(self, run: str, node: Node) -> str:
        telling = node.type in _NAMED or node.state.lower() != node.type
        parts = [node.state] if telling and node.state else []
        if node.attempt > 1:
            parts.append(f"attempt {node.attempt}")
        report = self._progress.get(run)
        if report is not None:
            parts.append(_progress(report))
        parts += [
            f"{each.progress:.0f}% {harmless(each.label or '')}".rstrip()
            for each in self._artifacts.get(run, {}).values()
        ]
        if node.began:
            parts.append(_duration((node.ended or self._now) - node.began))
        if node.message and node.type != "completed":
            parts.append(harmless(node.message))
        return "  ".join(parts)


def _last_part(run: str) -> str:
    return run.rpartition("/" if "/" in run else ".")[2]


def _progress(report: Progress) -> str:
    total = report.total
    how_far = f"{report.done:g}" if not total else f"{min(report.done / total, 1):.0%}"
    return f"{how_far} {harmless(report.text)}".rstrip()


def _duration(seconds: float) -> str:
    seconds = max(0.0, seconds)
    if seconds < 60:
        return f"{seconds:.2f}s" if seconds < 10 else f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m" if hours else f"{minutes}m {rest:02d}s"
