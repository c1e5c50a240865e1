"""Makes distributions that look installed: for tests and benchmarks of discovery."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PLUGIN = """
from brickwork import hookimpl

@hookimpl
def brickwork_storages():
    return {{"{name}": "{package}.things:Store"}}

@hookimpl
def brickwork_blocks():
    return {{"{name}-thing": "{package}.things:Thing"}}
"""
"""A plugin's module; ``name`` and ``package`` are to be filled in."""

THINGS = """
from typing import ClassVar
from brickwork import Block, Storage

class Store(Storage):
    pass

class Thing(Block):
    slug: ClassVar[str] = "{name}-thing"
"""
"""What `PLUGIN` offers."""


def write_plugin(
    folder: Path,
    name: str,
    source: str = PLUGIN,
    *,
    distribution: str = "",
    schemes: Mapping[str, str] | None = None,
    serializers: Mapping[str, str] | None = None,
) -> Path:
    """Write a distribution with one plugin; by default one that works.

    It has the storage ``NAME`` and the block ``NAME-thing``, in modules of the package
    ``brickwork_NAME``.

    Args:
        folder: Where.
        name: The plugin's name.
        source: The source of the plugin's module.
        distribution: The distribution's name; ``brickwork-NAME``.
        schemes: The schemes that its metadata claim, each with the plugin; its own name.
        serializers: The serializers that its metadata claim.

    Returns:
        The folder of the metadata.
    """
    distribution = distribution or f"brickwork-{name}"
    package = distribution.replace("-", "_")
    if source == PLUGIN:
        source = source.format(name=name, package=package)
    return write_distribution(
        folder,
        distribution,
        entry_points={
            "brickwork": {name: f"{package}.plugin"},
            "brickwork.schemes": {name: name} if schemes is None else schemes,
            "brickwork.serializers": serializers or {},
        },
        modules={f"{package}.plugin": source, f"{package}.things": THINGS.format(name=name)},
    )


def write_distribution(
    folder: Path,
    name: str,
    *,
    version: str = "1.0",
    entry_points: Mapping[str, Mapping[str, str]],
    modules: Mapping[str, str] | None = None,
) -> Path:
    """Write a distribution's metadata and modules, as if pip had installed it to a folder.

    Args:
        folder: Where; it is on `sys.path` in the process that is to find it.
        name: The distribution's name.
        version: Its version.
        entry_points: Group to name to value.
        modules: Dotted module name to source; packages above are made as needed.

    Returns:
        The folder of the metadata.
    """
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
    )
    (metadata / "entry_points.txt").write_text(entry_points_text(entry_points), encoding="utf-8")
    for module, source in (modules or {}).items():
        path = folder.joinpath(*module.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        for package in path.relative_to(folder).parents[:-1]:
            (folder / package / "__init__.py").touch()
        path.write_text(source, encoding="utf-8")
    return metadata


def entry_points_text(groups: Mapping[str, Mapping[str, str]]) -> str:
    """Return the text of an ``entry_points.txt``."""
    sections = (
        "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in points.items())])
        for group, points in groups.items()
    )
    return "\n\n".join(sections) + "\n"


_ASKED = """
import json, logging, sys
from brickwork.registry import Registry, get_registry
logging.basicConfig(format="LOG %(message)s")
registry = get_registry()
def said(kind, name):
    try:
        return registry.get(kind, name).__name__
    except Exception as error:
        return type(error).__name__ + ": " + str(error)
def statuses():
    return {info.name: info.status for info in registry.plugins()}
"""


def run_with(folder: Path, code: str, **environment: str) -> tuple[Any, str]:
    """Run code in a process that has the distributions of a folder.

    In the code, ``said(kind, name)`` is the name of what the registry finds, or the type and the
    text of its error; ``statuses()`` has the plugins' statuses by name.

    Args:
        folder: Where `write_distribution` wrote them.
        code: It gives ``result`` a value that JSON can carry.
        environment: Variables beside those of this process.

    Returns:
        The value of ``result``, and what was logged.
    """
    program = _ASKED + textwrap.dedent(code) + "\nprint(json.dumps(result))"
    # What may be installed beside the core.
    blocked = {"BRICKWORK_PLUGINS_BLOCK": "brickwork-aws,brickwork-github,brickwork-slack"}
    done = subprocess.run(  # noqa: S603  # ourselves
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(folder), **blocked, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr
