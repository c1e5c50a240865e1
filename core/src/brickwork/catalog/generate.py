"""A distribution's entry of the catalog, made from what is installed. Imports all it brings."""

from collections.abc import Iterable
from importlib import metadata
from typing import Any

from pydantic import ValidationError

from brickwork.catalog.describing import describe
from brickwork.catalog.files import checked
from brickwork.catalog.model import CORE, FORMAT, CatalogFile, DistributionEntry, Thing
from brickwork.config import normalise
from brickwork.errors import BrickworkError, InvalidCatalog, PluginBroken, PluginMissing
from brickwork.registry.kinds import KINDS
from brickwork.registry.known import INDEX_FORMAT, word_of
from brickwork.registry.metadata import PLUGINS, SCHEMES, Distribution, installed
from brickwork.registry.registry import Registry


def entry_of(
    registry: Registry, distribution: str, troubles: list[str] | None = None
) -> CatalogFile:
    """Return all that an installed distribution brings.

    Args:
        registry: Finds it.
        distribution: Its name; ``brickwork`` for the core.
        troubles: Takes what is wrong with single things, which are then left out; without it,
            that is raised.

    Raises:
        PluginMissing: It is not installed, or has no plugin.
        PluginBroken: A plugin of it is set aside; or what it offers cannot be imported.
        InvalidCatalog: What it says does not fit the format.
    """
    name = normalise(distribution)
    own = next((each for each in installed() if each.name == name), None)
    if name != CORE and (own is None or PLUGINS not in own.groups):
        if name in {normalise(each.name) for each in metadata.distributions() if each.name}:
            raise PluginMissing(
                f"{name} is installed, and brings no plugin.",
                fix="Is it yours? Name its plugin below [project.entry-points.brickwork] in its "
                "pyproject.toml, and install it anew.",
            )
        raise PluginMissing(f"{name} is not installed.", fix=f"pip install {name}")
    for info in registry.load_all():
        if info.distribution == name and info.status != "ok":
            raise PluginBroken(
                f"The plugin {info.name} of {name} is {info.status}: {info.reason}", fix=info.fix
            )
    things = []
    for kind in KINDS:
        for each, origin in registry.names(kind).items():
            if origin.partition(" ")[0] == name:
                try:
                    things.append(describe(registry, kind, each, name))
                except (BrickworkError, ValidationError) as error:
                    problem = _problem(word_of(kind), each, error)
                    if troubles is None:
                        raise problem from None
                    troubles.append(str(problem))
    return assembled(_distribution(name, own), things)


def _problem(word: str, name: str, error: BrickworkError | ValidationError) -> BrickworkError:
    if isinstance(error, BrickworkError):
        return error
    said = "; ".join(
        f"its {'.'.join(map(str, each['loc']))} {each['msg'].removeprefix('Value error, ')}"
        for each in error.errors(include_url=False, include_input=False, include_context=False)
    )
    return InvalidCatalog(
        f"The {word} {name!r} cannot be described: {said}.",
        fix="Its author corrects its docstring, its fields' descriptions or its metadata.",
    )


def assembled(distribution: DistributionEntry, things: Iterable[Thing]) -> CatalogFile:
    """Return a file of the catalog. Raises InvalidCatalog."""
    ordered = sorted(things, key=lambda thing: (thing.kind, thing.name))
    return checked(
        {
            "format": FORMAT,
            "distribution": distribution.model_dump(),
            "things": [each.model_dump(by_alias=True) for each in ordered],
        },
        f"{distribution.name}.json",
    )


def index_of(files: Iterable[CatalogFile], levels: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the index of several files.

    Args:
        files: What is known.
        levels: Distribution to the level that was measured.

    Raises:
        InvalidCatalog: Two distributions bring a thing of one kind and name, or one plugin.
    """
    distributions: dict[str, Any] = {}
    names: dict[str, list[dict[str, str]]] = {}
    whose: dict[tuple[str, str], str] = {}
    for file in sorted(files, key=lambda file: file.distribution.name):
        own = file.distribution
        claims = [("distribution", own.name), *(("plugin", each) for each in own.plugins)]
        claims += [(thing.kind, thing.name) for thing in file.things]
        for claim in claims:
            if claim in whose:
                raise InvalidCatalog(
                    f"{whose[claim]} and {own.name} both bring the {claim[0]} {claim[1]!r}.",
                    fix="The one that came later takes another name.",
                )
            whose[claim] = own.name
        about = {"version": own.version, "summary": own.summary, "plugins": own.plugins}
        level = (levels or {}).get(own.name)
        more = {"things": len(file.things), **({"level": level} if level else {})}
        distributions[own.name] = {**about, **more}
        for thing in file.things:
            entry = {"kind": thing.kind, "distribution": own.name, "summary": thing.summary}
            names.setdefault(thing.name, []).append(entry)
    for things in names.values():
        things.sort(key=lambda each: each["kind"])
    return {
        "format": INDEX_FORMAT,
        "distributions": distributions,
        "names": dict(sorted(names.items())),
    }


def _distribution(name: str, own: Distribution | None) -> DistributionEntry:
    read: Any = metadata.metadata(name)
    plugins = sorted(own.groups.get(PLUGINS, {})) if own is not None else []
    packages = sorted(
        {path.partition(".")[0] for path in own.groups.get(PLUGINS, {}).values()} if own else {CORE}
    )
    return _made(
        name=name,
        version=metadata.version(name),
        summary=read.get("Summary") or "",
        requires_python=read.get("Requires-Python") or "",
        license=read.get("License-Expression") or read.get("License") or "",
        homepage=_homepage(read),
        plugins=plugins,
        schemes=sorted(own.groups.get(SCHEMES, {})) if own is not None else [],
        extras=sorted(read.get_all("Provides-Extra") or []),
        logo=_logo(packages),
    )


def _made(**fields: Any) -> DistributionEntry:
    try:
        return DistributionEntry(**fields)
    except ValidationError as error:
        raise _problem("distribution", fields["name"], error) from None


def _homepage(read: Any) -> str | None:
    """Return the first page of a project's URLs that is its home, its documentation or source."""
    if page := read.get("Home-page"):
        return str(page)
    urls = {
        label.strip().casefold(): url.strip()
        for each in read.get_all("Project-URL") or []
        for label, _, url in [each.partition(",")]
    }
    wanted = ("homepage", "home", "documentation", "docs", "repository", "source", "source code")
    return next((urls[label] for label in wanted if label in urls), None)


def _logo(packages: Iterable[str]) -> str | None:
    """Return the text of ``logo.svg`` beside a package's ``__init__.py``."""
    from importlib.resources import files

    for package in packages:
        file = files(package).joinpath("logo.svg")
        if file.is_file():
            return file.read_text(encoding="utf-8").strip()
    return None
