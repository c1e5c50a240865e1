"""``brickwork run graph``: what ran within a run, and what waited for what."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import click

from brickwork.commands import harmless, print_json, print_text
from brickwork_flows.dependencies import expanded
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.runs import found
from brickwork_flows.runtime import current_runtime

TOGETHER = 10
"""More calls of one name than so many are one node, unless all are asked for."""

_COLOURS = {
    "completed": "#d5f0d5",
    "failed": "#f7c6c6",
    "crashed": "#f7c6c6",
    "cancelled": "#f2e3b8",
    "cancelling": "#f2e3b8",
    "paused": "#f2e3b8",
    "running": "#cfe3f7",
    "scheduled": "#cfe3f7",
    "pending": "#eeeeee",
}
_BAD = ("crashed", "failed", "cancelled")


class Node(NamedTuple):
    """A run in the graph, or several calls of one name together.

    Attributes:
        id: The run's id; of several, that of the first.
        label: What it is called.
        kind: ``flow`` or ``task``.
        state: The type of its state; of several, the worst.
        about: What else there is to say.
        parent: The id of the node that it is within; empty for the outermost.
        after: The ids of the nodes that it waited for, through futures.
    """

    id: str
    label: str
    kind: str
    state: str
    about: str
    parent: str
    after: tuple[str, ...]


@click.command("graph")
@click.argument("run_id", metavar="ID")
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "mermaid", "dot", "json"]),
    default="tree",
    help="Default: tree.",
)
@click.option("--all", "everything", is_flag=True, help="A node for each of many calls alike, too.")
def graph(run_id: str, form: str, everything: bool) -> None:
    """Show what ran within a run as a graph, with the futures that tasks waited for.

    Mermaid is what Markdown on GitHub draws; dot is for Graphviz. JSON has every run.
    """
    runtime = current_runtime()
    record = found(runtime, run_id)
    inner = [
        each
        for each in runtime.history.children(record.flow_run)
        if record.id == record.flow_run or each.id.startswith(f"{record.id}/")
    ]
    nodes = nodes_of(record, inner, together=not everything and form != "json")
    if form == "json":
        print_json("run.graph/1", {"run": record.id, "nodes": [_as_dict(each) for each in nodes]})
    else:
        print_text("\n".join(_FORMS[form](nodes)))


def nodes_of(record: RunRecord, inner: Sequence[RunRecord], *, together: bool) -> list[Node]:
    """Return a run and what is within it, each after the one that it is within.

    Args:
        record: The run.
        inner: What ran within it, in the order in which it began.
        together: Whether many calls of one name are one node.
    """
    calls = Counter((each.parent, each.name) for each in inner)
    of: dict[str, str] = {record.id: record.id}
    grouped: dict[str, list[RunRecord]] = {record.id: [record]}
    first: dict[tuple[str, str], str] = {}
    for each in inner:
        above = of.get(each.parent or "", record.id)
        node = each.id
        # What is within one of many together is together as well.
        parent_is_group = above in grouped and len(grouped[above]) > 1
        if together and (calls[each.parent, each.name] > TOGETHER or parent_is_group):
            node = first.setdefault((above, each.name), each.id)
        of[each.id] = node
        grouped.setdefault(node, []).append(each)
    return [_node(records, of, record) for records in grouped.values()]


def _node(records: list[RunRecord], of: dict[str, str], top: RunRecord) -> Node:
    first = records[0]
    after: dict[str, None] = {}
    for each in records:
        for key in expanded(each.details.get("waits_for", ())):
            found_node = of.get(f"{each.flow_run}.{key}")
            if found_node is not None:
                after[found_node] = None
    after.pop(first.id, None)
    parent = "" if first is top else of.get(first.parent or "", top.id)
    states = Counter(each.state.type.value for each in records if each.states)
    if len(records) == 1:
        label, about = _label(first), _about(first)
    else:
        label, about = f"{first.name} x{len(records)}", _counted(states)
    state = next((kind for kind in (*_BAD, *_COLOURS) if states.get(kind)), "pending")
    if len(states) > 1 and states.get("running"):
        state = "running"
    return Node(first.id, harmless(label), first.kind, state, about, parent, tuple(after))


def _label(record: RunRecord) -> str:
    if record.run_name and record.run_name != record.key:
        return record.run_name
    return record.key.rpartition("/")[2] or record.name


def _about(record: RunRecord) -> str:
    if not record.states:
        return ""
    state = record.state
    parts = [state.name]
    if record.attempts > 1:
        parts.append(f"attempt {record.attempts}")
    if state.final:
        parts.append(f"{state.timestamp - record.states[0].timestamp:.3f}s")
    return harmless("  ".join(parts))


def _counted(states: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(states.items()))


def _as_dict(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "label": node.label,
        "kind": node.kind,
        "state": node.state,
        "parent": node.parent or None,
        "waits_for": list(node.after),
    }


def _tree(nodes: Sequence[Node]) -> Iterable[str]:
    labels = {each.id: each.label for each in nodes}
    within: dict[str, list[Node]] = {}
    for each in nodes:
        within.setdefault(each.parent, []).append(each)

    def lines(node: Node, head: str, tail: str) -> Iterable[str]:
        after = ", ".join(labels[each] for each in node.after if each in labels)
        yield f"{head}{node.label}  {node.about}{f'  after {after}' if after else ''}".rstrip()
        inner = within.get(node.id, [])
        for number, each in enumerate(inner, 1):
            last = number == len(inner)
            yield from lines(
                each, f"{tail}{'└─ ' if last else '├─ '}", f"{tail}{'   ' if last else '│  '}"
            )

    return lines(nodes[0], "", "")


def _mermaid(nodes: Sequence[Node]) -> Iterable[str]:
    names = {each.id: f"n{number}" for number, each in enumerate(nodes)}
    parents = {each.id: each.parent for each in nodes}
    yield "flowchart TD"
    for node in nodes:
        text = "<br/>".join(_mermaid_text(each) for each in (node.label, node.about) if each)
        left, right = ("([", "])") if node.kind == "flow" else ("[", "]")
        yield f'  {names[node.id]}{left}"{text}"{right}:::{node.state}'
    for node in nodes:
        for each in node.after:
            yield f"  {names[each]} --> {names[node.id]}"
        if _hangs(node, parents):
            yield f"  {names[node.parent]} -.-> {names[node.id]}"
    for state in sorted({each.state for each in nodes}):
        yield f"  classDef {state} fill:{_COLOURS[state]},stroke:#555,color:#000"


def _hangs(node: Node, parents: Mapping[str, str]) -> bool:
    """Whether a line to the node around it is needed: it waited for none beside it."""
    return bool(node.parent) and all(parents[each] != node.parent for each in node.after)


def _mermaid_text(text: str) -> str:
    return "".join(
        each if each.isalnum() or each in " -_.,:/()" else f"#{ord(each)};" for each in text
    )


def _dot(nodes: Sequence[Node]) -> Iterable[str]:
    names = {each.id: f"n{number}" for number, each in enumerate(nodes)}
    parents = {each.id: each.parent for each in nodes}
    yield "digraph run {"
    yield '  node [shape=box, style="filled,rounded", fontname="sans-serif"];'
    for node in nodes:
        label = "\\n".join(_dot_text(each) for each in (node.label, node.about) if each)
        shape = ", peripheries=2" if node.kind == "flow" else ""
        yield f'  {names[node.id]} [label="{label}", fillcolor="{_COLOURS[node.state]}"{shape}];'
    for node in nodes:
        for each in node.after:
            yield f"  {names[each]} -> {names[node.id]};"
        if _hangs(node, parents):
            yield f"  {names[node.parent]} -> {names[node.id]} [style=dotted, arrowhead=none];"
    yield "}"


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


_FORMS: dict[str, Callable[[Sequence[Node]], Iterable[str]]] = {
    "tree": _tree,
    "mermaid": _mermaid,
    "dot": _dot,
}
