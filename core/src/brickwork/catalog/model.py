"""The format of the catalog's files: what a distribution brings, in JSON."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.json_schema import GenerateJsonSchema

from brickwork.catalog.svg import problem_of
from brickwork.config import normalise
from brickwork.registry.kinds import KINDS, RESERVED

FORMAT = "brickwork.catalog/1"
CORE = "brickwork"

_ODD = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_PLURAL = {kind.word.replace(" ", "-"): plural for plural, kind in KINDS.items()}
_BY_SCHEME = ("storage", "notifier", "resolver", "store")


def _plain(text: str) -> str:
    if odd := _ODD.search(text):
        raise ValueError(f"holds the character U+{ord(odd[0]):04X}, which cannot be shown")
    return text


def _one_line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise ValueError("is more than one line")
    return _plain(text)


def _drawing(text: str) -> str:
    if problem := problem_of(text):
        raise ValueError(f"is no logo that can be shown: {problem}")
    return text


Line = Annotated[str, Field(max_length=1000), AfterValidator(_one_line)]
Text = Annotated[str, Field(max_length=20_000), AfterValidator(_plain)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
Extra = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Dotted = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", max_length=300)]
Web = Annotated[str, Field(pattern=r"^https://[!-~]+$", max_length=500)]


class Part(BaseModel):
    """A part of a file; what is left out has its default."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class FieldEntry(Part):
    """A field of a block."""

    name: Word = Field(description="Its name.")
    type: Line = Field(description="What it takes, in words.")
    required: bool = Field(False, description="Whether it must be given.")
    secret: bool = Field(False, description="Whether it is a secret.")
    default: Line = Field("", description="Its default, as JSON; empty where it has none.")
    description: Text = Field("", description="What it means.")
    fields: list["FieldEntry"] = Field([], description="The fields inside, where it has some.")


class ParameterEntry(Part):
    """A parameter of a task."""

    name: Word = Field(description="Its name.")
    type: Line = Field("", description="Its annotation.")
    required: bool = Field(False, description="Whether a call must give it.")
    default: Line = Field("", description="Its default, as in Python; empty where it has none.")
    description: Text = Field("", description="What it means.")


class ResultEntry(Part):
    """What a task returns."""

    type: Line = Field("", description="Its annotation.")
    description: Text = Field("", description="What it means.")


class CommandEntry(Part):
    """A command of a group."""

    name: Line = Field(description="Its name.")
    summary: Line = Field("", description="What it does.")


class _Thing(Part):
    name: Annotated[str, Field(max_length=100, pattern=r"^[a-z][a-z0-9_.+-]*$")] = Field(
        description="Its name: a slug, a task's name, a URL's scheme."
    )
    summary: Line = Field("", description="What it is, in one line.")
    description: Text = Field("", description="What more there is to say, as plain text.")
    python: Dotted | None = Field(None, description="Where it is imported from: module:name.")
    extra: Extra | None = Field(
        None, description="The extra of the distribution that it needs: pip install DIST[EXTRA]."
    )


class BlockEntry(_Thing):
    """A block."""

    kind: Literal["block"] = "block"
    title: Line = Field(description="The words of the class's name.")
    schema_version: int = Field(1, ge=1, description="The version of its fields.")
    interfaces: list[Line] = Field(
        [], description="What it is beside: credentials, notifier, storage."
    )
    checks: bool = Field(False, description="Whether it has a check of its own.")
    fields: list[FieldEntry] = Field([], description="Its fields, in order.")
    json_schema: dict[str, Any] | None = Field(
        None, alias="schema", description="The JSON Schema of its fields."
    )
    example: Text = Field("", description="The example of its docstring.")
    manifest: Text = Field("", description="A manifest to begin with, in YAML.")
    usage: Text = Field("", description="A program to begin with, in Python.")


class TaskEntry(_Thing):
    """A task."""

    kind: Literal["task"] = "task"
    signature: Line = Field(description="Its signature.")
    is_async: bool = Field(False, description="Whether a call gives a coroutine.")
    parameters: list[ParameterEntry] = Field([], description="Its parameters, in order.")
    result: ResultEntry = Field(ResultEntry(), description="What it returns.")
    permissions: list[Line] = Field([], description="What the service must allow.")
    retries: int = Field(0, ge=0, description="How often a failed attempt is tried again.")
    timeout_seconds: float | None = Field(None, gt=0, description="The limit of an attempt.")
    tags: list[Line] = Field([], description="Its tags.")
    example: Text = Field("", description="The example of its docstring.")


class ClassEntry(_Thing):
    """A storage, serializer, notifier, resolver, key provider or store."""

    kind: Literal["storage", "serializer", "notifier", "resolver", "key-provider", "store"]
    block: Line = Field("", description="The slug, where its class is a block too.")
    example: Text = Field("", description="The example of its docstring.")


class CommandGroup(_Thing):
    """A command of the command line."""

    kind: Literal["command"] = "command"
    commands: list[CommandEntry] = Field([], description="Its commands, if it is a group.")


Thing = Annotated[BlockEntry | TaskEntry | ClassEntry | CommandGroup, Field(discriminator="kind")]


class DistributionEntry(Part):
    """The distribution that brings the things."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)] = Field(
        description="Its normalised name."
    )
    version: Annotated[str, Field(pattern=r"^[0-9][A-Za-z0-9.!+_-]*$", max_length=100)] = Field(
        description="The version that is described."
    )
    summary: Line = Field("", description="What it is, in one line.")
    requires_python: Line = Field("", description="The versions of Python that it works with.")
    license: Line = Field("", description="Its licence, as an SPDX expression.")
    homepage: Web | None = Field(None, description="Its page on the web.")
    plugins: list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*$")]] = Field(
        [], description="The names of its plugins: what its slugs and tasks begin with."
    )
    schemes: list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*$")]] = Field(
        [], description="The schemes of URLs and references that are its own."
    )
    extras: list[Extra] = Field([], description="Its extras.")
    logo: Annotated[str, AfterValidator(_drawing)] | None = Field(
        None, description="Its logo: a small, plain SVG."
    )


class CatalogFile(Part):
    """All that a distribution brings."""

    format: Literal["brickwork.catalog/1"] = Field(description="The format of the file.")
    distribution: DistributionEntry = Field(description="The distribution.")
    things: list[Thing] = Field([], description="What it brings, sorted by kind and name.")

    @model_validator(mode="after")
    def _names_are_its_own(self) -> Self:
        keys = [(thing.kind, thing.name) for thing in self.things]
        if keys != sorted(set(keys)):
            raise ValueError("the things are not sorted by kind and name, each once")
        for thing in self.things:
            if problem := self._problem_of(thing):
                raise ValueError(f"the {thing.kind} {thing.name!r} {problem}")
        return self

    def _problem_of(self, thing: Thing) -> str:
        own, plural = self.distribution, _PLURAL[thing.kind]
        kind = KINDS[plural]
        if not re.match(kind.pattern, thing.name):
            return "has no name of that kind"
        if thing.extra is not None and normalise(thing.extra) not in map(normalise, own.extras):
            return f"needs the extra {thing.extra!r}, which is none of the distribution's"
        if own.name == CORE:
            return ""
        if thing.name in RESERVED.get(plural, ()):
            return "has a name that belongs to Brickwork itself"
        if kind.separator and thing.name.partition(kind.separator)[0] not in own.plugins:
            return f"does not begin with a plugin of its own: {', '.join(own.plugins) or 'none'}"
        if thing.kind in _BY_SCHEME and thing.name not in own.schemes:
            return "has a scheme that is none of the distribution's"
        return ""


class _Dialect(GenerateJsonSchema):
    schema_dialect = "https://json-schema.org/draft/2020-12/schema"


def format_schema() -> dict[str, Any]:
    """Return the JSON Schema of a file of the catalog.

    It says less than the check: not which names a distribution may use, nor what a logo may hold.
    """
    schema = CatalogFile.model_json_schema(schema_generator=_Dialect)
    return {"$schema": _Dialect.schema_dialect, **schema, "title": "A file of Brickwork's catalog"}
