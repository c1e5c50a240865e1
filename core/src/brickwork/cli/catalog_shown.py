"""What ``brickwork catalog show`` prints of one thing. Imports nothing of the thing."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from brickwork.catalog.shipped import Found
from brickwork.cli.output import harmless, harmless_lines, print_table, print_text
from brickwork.errors import UnknownName

_INDENT = "  "


def show(found: Sequence[Found]) -> None:
    """Print all that one needs to use the things of one name."""
    for number, each in enumerate(found):
        if number:
            print_text("")
        _show(each)


def beginning(
    found: Sequence[Found], language: str, things_of: Callable[[str], Sequence[Found]]
) -> str:
    """Return what to begin with, in YAML or Python.

    Args:
        found: What has the name.
        language: ``yaml`` or ``python``.
        things_of: Returns all that a distribution brings.

    Raises:
        UnknownName: Nothing of the kind is there to begin with.
    """
    for each in found:
        kind, thing = each.thing["kind"], each.thing
        if language == "yaml" and kind == "block":
            text = thing["manifest"]
        elif language == "python" and kind == "block":
            text = thing["usage"]
        elif language == "python" and kind != "command":
            text = _program(thing, things_of(each.distribution["name"]))
        else:
            continue
        return harmless_lines(str(text)).rstrip("\n")
    name = found[0].thing["name"]
    what = "a manifest is made of blocks" if language == "yaml" else "a command is no program"
    raise UnknownName(
        f"There is nothing to begin with for {name!r}: {what}.",
        fix=f"See `brickwork catalog show {name}`.",
    )


def _show(found: Found) -> None:
    thing = found.thing
    print_text(f"{harmless(thing['name'])}: {harmless(thing.get('summary', ''))}")
    print_text(harmless(_head(found)))
    if description := thing.get("description"):
        print_text(f"\n{harmless_lines(description)}")
    _BY_KIND.get(thing["kind"], _show_class)(thing)
    if example := thing.get("example"):
        print_text(f"\n{harmless_lines(example)}")
    print_text(f"\n{harmless(_next(found))}")


def _head(found: Found) -> str:
    """Return the line on what it is, whose, and whether it is there."""
    thing, own = found.thing, found.distribution
    kind = thing["kind"].replace("-", " ")
    also = list(thing.get("interfaces", ()))
    what = f"{kind} ({', '.join(also)})" if also else kind
    shown = f"{what} of {own['name']} {own.get('version', '')}".rstrip()
    shown += f" ({found.level})" if found.level else ""
    if found.installed is None:
        return f"{shown}, not installed: {found.pip}"
    extra = f"; needs {found.pip}" if thing.get("extra") else ""
    live = ", told by the installed plugin" if found.live else ""
    return f"{shown}, installed{live}{extra}"


def _show_block(thing: Mapping[str, Any]) -> None:
    rows = list(_fields(thing.get("fields", ())))
    if rows:
        print_text("")
        print_table(("field", "type", "needed", "default", "description"), rows)


def _fields(fields: Sequence[Mapping[str, Any]], depth: int = 0) -> Iterator[tuple[str, ...]]:
    for each in fields:
        name = _INDENT * depth + each["name"]
        needed = "yes" if each.get("required") else ""
        about = (each["type"], needed, each.get("default", ""), each.get("description", ""))
        yield (name, *about)
        yield from _fields(each.get("fields", ()), depth + 1)


def _show_task(thing: Mapping[str, Any]) -> None:
    print_text(f"\n{harmless(thing['signature'])}\n")
    print_table(
        ("argument", "type", "needed", "default", "description"),
        [
            (
                *(each["name"], each.get("type", ""), "yes" if each.get("required") else ""),
                *(each.get("default", ""), each.get("description", "")),
            )
            for each in thing.get("parameters", ())
        ],
    )
    print_text("")
    result = thing.get("result", {})
    lines = {
        "returns": ": ".join(filter(None, (result.get("type"), result.get("description")))),
        "needs permission for": ", ".join(thing.get("permissions", ())),
        "retries": thing.get("retries", 0),
        "time-out": f"{thing['timeout_seconds']:g} s" if thing.get("timeout_seconds") else "",
        "tags": ", ".join(thing.get("tags", ())),
    }
    for word, text in lines.items():
        if text:
            print_text(harmless(f"{word} {text}"))


def _show_command(thing: Mapping[str, Any]) -> None:
    rows = [(each["name"], each.get("summary", "")) for each in thing.get("commands", ())]
    if rows:
        print_text("")
        print_table(("command", "does"), rows)


def _show_class(thing: Mapping[str, Any]) -> None:
    if thing.get("block"):
        print_text("\n" + harmless(f"Its class is a block as well: {thing['block']}."))


_BY_KIND: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "block": _show_block,
    "task": _show_task,
    "command": _show_command,
}


def _next(found: Found) -> str:
    """Return what to type next."""
    thing, name = found.thing, found.thing["name"]
    first = "" if found.installed is not None else f"{found.pip}, then "
    if thing["kind"] == "block":
        return (
            f"Next: {first}brickwork block create {name} NAME; or with --yaml a manifest, "
            "with --python a program to begin with."
        )
    if thing["kind"] == "task":
        needed = [each["name"] for each in thing.get("parameters", ()) if each.get("required")]
        arguments = "".join(f" --arg {each}=..." for each in needed)
        return f"Next: {first}brickwork task run {name}{arguments}"
    if thing["kind"] == "command":
        return f"Next: {first}brickwork {name} --help"
    if thing["kind"] in ("storage", "notifier", "store"):
        return f"Next: {first}use URLs that begin with {name}:"
    if thing["kind"] == "resolver":
        return f"Next: {first}use references: ${{{name}:...}}"
    if thing["kind"] == "key-provider":
        return f'Next: {first}keys = "{name}:..." in brickwork.toml'
    return f"Next: {first}name it in a chain, such as json|zstd: {name}"


def _program(thing: Mapping[str, Any], others: Sequence[Found]) -> str:
    """Return the code of an example, with the blocks that it needs; without one, a call."""
    lines = [
        line[4:]
        for line in str(thing.get("example", "")).splitlines()
        if line.startswith((">>> ", "... "))
    ]
    module, _, attribute = str(thing.get("python", "")).partition(":")
    if not lines and thing["kind"] == "task":
        needed = [f"{p['name']}={p['name']}" for p in thing.get("parameters", ()) if p["required"]]
        lines = [f"{attribute}({', '.join(needed)})"]
    blocks = {
        str(each.thing["python"]).partition(":")[2]: each.thing
        for each in others
        if each.thing["kind"] == "block"
    }
    imported, given = {module: {attribute}} if module else {}, []
    unset = _unset("\n".join(lines))
    for each in thing.get("parameters", ()):
        if each["name"] in unset:
            cls = str(each.get("type", "")).removesuffix(" | None")
            value = "..."
            if cls in blocks:
                imported.setdefault(blocks[cls]["python"].partition(":")[0], set()).add(cls)
                saved = re.search(r'\.save\("([^"]+)"\)', str(blocks[cls]["usage"]))
                value = f'{cls}.load("{saved[1] if saved else "main"}")'
            given.append(f"{each['name']} = {value}")
    start = [
        f"from {place} import {', '.join(sorted(names))}"
        for place, names in sorted(imported.items())
    ]
    while lines and lines[0].startswith(("import ", "from ")):
        start.append(lines.pop(0))
    return "\n".join([*dict.fromkeys(start), *([""] if start else []), *given, *lines])


def _unset(code: str) -> set[str]:
    """Return the names that code reads and never sets."""
    import ast

    try:
        names = [each for each in ast.walk(ast.parse(code)) if isinstance(each, ast.Name)]
    except SyntaxError:
        return set()
    return {each.id for each in names if isinstance(each.ctx, ast.Load)} - {
        each.id for each in names if isinstance(each.ctx, ast.Store)
    }
