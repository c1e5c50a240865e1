"""Slack's own TypeScript types of its methods, as what calls and answers are checked against.

They come with the npm packages ``@slack/web-api`` and ``@slack/types``, of which nothing is kept
in this package, and are turned into JSON Schema by ``ts-json-schema-generator``: that takes some
seconds, once; what it makes is kept in the user's cache folder.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from brickwork import BrickworkError
from brickwork_slack.testing.npm import VERSIONS, TypesMissing, fetch, installed_modules, run_node
from brickwork_slack.testing.schema import Checker, Schema

__all__ = ["Types", "TypesMissing", "WrongAnswer", "types_of_slack"]

_GENERATOR = Path(__file__).with_name("generate.mjs")
_FORM = 1
"""Of the kept file: another number has it made anew."""

_OPENED = re.compile(r"(?:readonly )?(\w+): \{")
_METHOD = re.compile(r"(?:readonly )?(\w+): MethodWith\w+Argument<(\w+)(?:, (\w+))?>;")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)

_ALSO_TAKEN: Mapping[str, Mapping[str, Schema]] = {
    # https://docs.slack.dev/reference/methods/files.completeUploadExternal
    "files.completeUploadExternal": {"channels": {"type": "string"}},
    # https://docs.slack.dev/reference/methods/files.getUploadURLExternal; the types' alt_text is it
    "files.getUploadURLExternal": {"alt_txt": {"type": "string"}},
}
"""Arguments that Slack documents, and its types lack."""

_ALSO_ANSWERED: Mapping[str, frozenset[str]] = {
    # https://docs.slack.dev/reference/events/message
    "": frozenset({"attachments", "icons", "image_48", "subtype", "username"}),
    # https://docs.slack.dev/reference/methods/auth.revoke
    "auth.revoke": frozenset({"revoked"}),
    # https://docs.slack.dev/reference/methods/conversations.info
    "conversations.info": frozenset({"user"}),
    # https://docs.slack.dev/reference/methods/conversations.leave
    "conversations.leave": frozenset({"not_in_channel"}),
    # https://docs.slack.dev/reference/methods/dnd.info
    "dnd.info": frozenset({"snooze_enabled", "snooze_endtime", "snooze_remaining"}),
    # https://docs.slack.dev/reference/methods/reactions.get; of a reply
    "reactions.get": frozenset({"thread_ts"}),
}
"""Fields that Slack documents, and its types lack, as they are made of recorded answers.

By the name of the method; those of messages under no name.
"""


Schemas = Mapping[str, tuple[Schema | None, Schema | None]]
"""By the name of a method, those of its arguments and of its answer; None where JSON has none."""


class WrongAnswer(BrickworkError):
    """Slack would never give this answer."""


class Types:
    """What Slack's methods take and answer.

    Args:
        schemas: Theirs.
    """

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self.methods = set(schemas)
        self._checkers: dict[tuple[str, int], Checker | None] = {}

    def argument_faults(self, method: str, arguments: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with the arguments of a call, as Slack would say it.

        Args:
            method: For example ``chat.postMessage``.
            arguments: Of a form, texts, which are read as what the types want.
        """
        checker = self._checker(method, 0)
        if checker is None or method == "api.test":  # which takes anything
            return []
        wanted = _properties(checker)
        read = {
            name: _read(value, wanted[name], checker) if name in wanted else value
            for name, value in arguments.items()
        }
        return [
            what if what.startswith("missing") and not place else f"{what} [json-pointer:{place}]"
            for what, place in checker.faults(read)
        ]

    def check_answer(self, method: str, answer: Mapping[str, Any]) -> None:
        """Raise unless an answer is one that Slack's types allow.

        Raises:
            WrongAnswer: It is not.
        """
        checker = self._checker(method, 1)
        also = _ALSO_ANSWERED[""] | _ALSO_ANSWERED.get(method, frozenset())
        faults = [
            (what, place)
            for what, place in (checker.faults(dict(answer)) if checker is not None else [])
            if not (what.startswith("unknown") and place.rpartition("/")[2] in also)
            # Blocks were checked when they were posted; here the types know some kinds only.
            and "/blocks/" not in place
        ]
        if faults:
            told = "; ".join(f"{what} at {place or 'the top'}" for what, place in faults[:10])
            raise WrongAnswer(
                f"{method} never answers so: {told}",
                fix=f"See https://docs.slack.dev/reference/methods/{method}.",
            )

    def _checker(self, method: str, which: int) -> Checker | None:
        if (method, which) not in self._checkers:
            schema = self._schemas[method][which]
            if schema is not None and which == 0:
                schema = _strict(schema)
                _widen(schema, _ALSO_TAKEN.get(method, {}))
            if schema is not None and which == 1:
                schema = _open(schema)
            self._checkers[method, which] = None if schema is None else Checker(schema)
        return self._checkers[method, which]


def _properties(checker: Checker) -> dict[str, list[Schema]]:
    found: dict[str, list[Schema]] = {}
    for branch in checker.branches():
        for name, schema in branch.get("properties", {}).items():
            found.setdefault(name, []).append(schema)
    return found


def _read(value: Any, schemas: list[Schema], checker: Checker) -> Any:
    """Return the text of a form as what it stands for."""
    if not isinstance(value, str):
        return value
    kinds: set[str] = set()
    for schema in schemas:
        for branch in checker.branches(schema):
            given = branch.get("type", [])
            kinds |= {given} if isinstance(given, str) else set(given)
    if "string" in kinds:
        return value
    if "boolean" in kinds and value.lower() in ("0", "1", "true", "false"):
        return value.lower() in ("1", "true")
    try:
        return json.loads(value)
    except ValueError:
        return value.split(",") if "array" in kinds else value


def _strict(node: Any) -> Any:
    """Leave out the type of just any block, beside the known ones."""
    if isinstance(node, list):
        return [_strict(each) for each in node]
    if not isinstance(node, dict):
        return node
    branches = node.get("anyOf")
    if branches and {"$ref": "#/definitions/KnownBlock"} in branches:
        node = {**node, "anyOf": [each for each in branches if each.get("$ref") != _ANY_BLOCK]}
    return {name: _strict(value) for name, value in node.items()}


_ANY_BLOCK = "#/definitions/Block"


def _open(node: Any) -> Any:
    """Let values be others than those that happened to be recorded.

    Objects have any fields if only empty ones were met, as event payloads; texts are any.
    """
    if isinstance(node, list):
        return [_open(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "object" and not node.get("properties"):
        return {"type": "object"}
    if isinstance(node.get("enum"), list):
        return {name: value for name, value in node.items() if name != "enum"}
    return {name: _open(value) for name, value in node.items()}


def _widen(schema: Any, more: Mapping[str, Schema]) -> None:
    for branch in Checker(schema).branches() if more else ():
        branch["properties"].update(more)  # our own copy


def types_of_slack() -> Types:
    """Return Slack's types; read once a process.

    Raises:
        TypesMissing: They are not installed, and could not be fetched.
    """
    return _types(installed_modules())


@lru_cache(maxsize=1)
def _types(modules: Path | None) -> Types:
    kept = _cache() / f"slack-types-{_key(modules)}.json"
    if not kept.is_file():
        _generate(modules, kept)
    return Types(json.loads(kept.read_bytes()))


def _cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("brickwork")


def _key(modules: Path | None) -> str:
    """Return what the schemas depend on: the versions, and how they are made."""
    import hashlib

    versions = dict(VERSIONS)
    if modules is not None:
        for name in versions:
            described = json.loads((modules / name / "package.json").read_bytes())
            versions[name] = described["version"]
    made = json.dumps([_FORM, versions], sort_keys=True).encode() + _GENERATOR.read_bytes()
    return hashlib.sha256(made).hexdigest()[:16]


def _generate(modules: Path | None, kept: Path) -> None:
    import fcntl
    from tempfile import TemporaryDirectory

    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.is_file():
            return  # another process was first
        # In the same folder, so that the file can be moved to its place in one step.
        with TemporaryDirectory(dir=kept.parent) as folder:
            schemas = _generated(modules, Path(folder))
            fresh = Path(folder, "fresh")
            fresh.write_text(json.dumps(schemas, separators=(",", ":")))
            fresh.replace(kept)


def _generated(
    installed: Path | None, folder: Path
) -> dict[str, tuple[Schema | None, Schema | None]]:
    modules = installed or fetch(folder)
    declared = (modules / "@slack" / "web-api" / "dist" / "methods.d.ts").read_text()
    methods = list(_methods(declared))
    place = (modules / "@slack" / "web-api").resolve().as_posix()
    lines = [f"import type * as W from {json.dumps(place)};"]
    for number, (_, arguments, answer) in enumerate(methods):
        lines.append(f"export type A{number} = W.{arguments};")
        lines.append(f"export type R{number} = W.{answer or 'WebAPICallResult'};")
    source = folder / "types.ts"
    source.write_text("\n".join(lines))
    options = {"module": "node16", "moduleResolution": "node16", "strict": True, "types": []}
    settings = {"compilerOptions": {"target": "es2022", **options}, "files": [source.name]}
    (folder / "tsconfig.json").write_text(json.dumps(settings))
    schemas = json.loads(run_node(_GENERATOR, modules, source))
    return {
        name: (schemas.get(f"A{number}"), schemas.get(f"R{number}"))
        for number, (name, _, _) in enumerate(methods)
    }


def _methods(declared: str) -> Iterator[tuple[str, str, str | None]]:
    """Yield the methods that a ``methods.d.ts`` declares: name, arguments and answer."""
    stack: list[str] = []
    for line in _COMMENT.sub("", declared).splitlines():
        text = line.strip()
        if opened := _OPENED.fullmatch(text):
            stack.append(opened[1])
        elif text.startswith("};") and stack:
            stack.pop()
        elif found := _METHOD.fullmatch(text):
            yield ".".join([*stack, found[1]]), found[2], found[3]
