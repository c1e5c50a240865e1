"""``brickwork artifact``: what runs have made for people to look at."""

import json
import re
import sys
from typing import IO, Any

import click

from brickwork.commands import (
    harmless,
    harmless_lines,
    json_option,
    note,
    print_json,
    print_table,
    print_text,
)
from brickwork_flows.artifacts import Artifact, Table, get_artifact, keeping, list_artifacts
from brickwork_flows.runs import found
from brickwork_flows.runtime import current_runtime

_NAME = re.compile(r"(?P<key>.+)@(?P<version>[1-9][0-9]{0,8})")
_BAR = 40

LAID_OUT = 200_000
"""Markdown of more characters is shown as it was written: to lay it out would take minutes."""


@click.group("artifact")
def group() -> None:
    """Look at the artifacts that runs have made, and remove them.

    An artifact is named KEY for the newest version of a key, KEY@VERSION, or by its id.
    """


@group.command("ls")
@click.option("--key", metavar="KEY", help="The versions of this key, the newest first.")
@click.option("--run", "run_id", metavar="ID", help="What this run made, and what is in it.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, help="How many. Default: 50.")
@json_option
def ls(key: str | None, run_id: str | None, limit: int, as_json: bool) -> None:
    """List artifacts: of every key, the newest version."""
    run = None if run_id is None else found(current_runtime(), run_id).id
    artifacts = list_artifacts(key, run=run, limit=limit)
    if as_json:
        print_json("artifact.list/1", {"artifacts": [each.facts() for each in artifacts]})
    elif artifacts:
        print_artifacts(artifacts)
    else:
        note("There is no such artifact." if key or run else "There is no artifact yet.")


def print_artifacts(artifacts: list[Artifact]) -> None:
    """Print a table of artifacts."""
    print_table(
        ("artifact", "type", "bytes", "made", "run", "description"),
        [
            (a.name, a.type, a.size, a.facts()["made"][:19] + "Z", a.run or "", a.description)
            for a in artifacts
        ],
    )


@group.command("show")
@click.argument("name", metavar="KEY[@VERSION]")
@click.option(
    "--output",
    type=click.File("wb", lazy=True),
    metavar="FILE",
    help="Write the content to a file: an image, Markdown, or else JSON.",
)
@json_option
def show(name: str, output: IO[bytes] | None, as_json: bool) -> None:
    """Show an artifact.

    On a terminal Markdown is laid out; where a program reads the output, it is as it was written.
    An image goes to a file by --output.
    """
    artifact = named(name)
    if as_json:
        print_json("artifact.show/1", {**artifact.facts(), "content": _as_json(artifact)})
    elif output is not None:
        output.write(_as_bytes(artifact))
    else:
        if artifact.description:
            note(artifact.description)
        _print(artifact)


@group.command("rm")
@click.argument("names", nargs=-1, required=True, metavar="KEY[@VERSION]...")
def rm(names: tuple[str, ...]) -> None:
    """Remove artifacts: one version, or a key with all of them."""
    runtime = current_runtime()
    for name in names:
        named(name)  # all of them are there, before the first is removed
    count = 0
    for name in names:
        if "/" in name or _NAME.fullmatch(name):
            keeping.remove(runtime, named(name))
            count += 1
        else:
            count += keeping.remove_key(runtime, name)
    note(f"{count} artifact(s) removed.")


def named(text: str) -> Artifact:
    """Return the artifact that a text on the command line names. Raises ArtifactNotFound."""
    read = _NAME.fullmatch(text)
    return get_artifact(read["key"], int(read["version"])) if read else get_artifact(text)


def _as_json(artifact: Artifact) -> Any:
    content = artifact.read()
    if isinstance(content, bytes):
        from base64 import b64encode

        return {"base64": b64encode(content).decode("ascii")}
    return content._asdict() if isinstance(content, Table) else content


def _as_bytes(artifact: Artifact) -> bytes:
    content = artifact.read()
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode("utf-8", "backslashreplace")
    return json.dumps(_as_json(artifact), indent=2).encode("ascii") + b"\n"


def _print(artifact: Artifact) -> None:
    content = artifact.read()
    if isinstance(content, str):
        _print_markdown(content)
    elif isinstance(content, Table):
        print_table(content.columns, [[_shown(cell) for cell in row] for row in content.rows])
    elif isinstance(content, bytes):
        print_text(f"{artifact.media_type}, {artifact.size:,} bytes")
        note("To look at it: --output FILE")
    elif isinstance(content, float):
        done = round(content / 100 * _BAR)
        print_text(f"[{'#' * done}{'.' * (_BAR - done)}] {content:g} %")
    elif "image_url" in content:
        print_text(harmless(content["image_url"]))
    else:
        text, link = harmless(content["link_text"]), harmless(content["link"])
        print_text(link if text == link else f"{text}: {link}")


def _shown(cell: object) -> str:
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)


def _print_markdown(text: str) -> None:
    if not sys.stdout.isatty():  # a program may want it as it is
        print_text(text)
        return
    text = harmless_lines(text)
    if len(text) > LAID_OUT:
        print_text(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    # A link shows where it leads, and HTML is left out.
    Console(file=sys.stdout).print(Markdown(text, hyperlinks=False))
