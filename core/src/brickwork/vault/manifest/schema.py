"""The JSON Schema of manifests, made from the block classes that are installed.

It is for editors: it knows the fields, their types and descriptions, and where secrets, references
and other blocks may stand. Applying a manifest checks more: whether what it refers to is there, and
what the validators of the classes say.
"""

import warnings
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from brickwork.block import Block
from brickwork.errors import BrickworkError
from brickwork.registry import Registry
from brickwork.vault.manifest.model import BLOCK, DESCRIPTION, EXPIRES, KEPT, TAGS, TYPE
from brickwork.vault.notes import MAX_DESCRIPTION, MAX_TAGS

Json = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_SLUG = "[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_SLUG_MARK, _ALIAS_MARK = _MARKS = ("x-brickwork-slug", "x-brickwork-aliases")
_PLAIN = ("string", "number", "integer", "boolean")
_COMMON: Json = {
    "$reference": {
        "type": "string",
        "pattern": r"\$\{[a-z][a-z0-9+.-]*:",
        "description": "A reference that is fetched when the block is loaded: ${env:NAME}.",
    },
    "$block": {
        "type": "object",
        "properties": {BLOCK: {"type": "string", "pattern": f"^{_SLUG}/{_NAME}(?:@[0-9]+)?$"}},
        "required": [BLOCK],
        "additionalProperties": False,
        "description": "Another block, by its address.",
    },
    "$kept": {
        "type": "object",
        "properties": {KEPT: {"const": "secret"}},
        "required": [KEPT],
        "additionalProperties": False,
        "description": "The secret stays as it is saved.",
    },
    "$bytes": {
        "type": "object",
        "properties": {"$bytes": {"type": "string", "contentEncoding": "base64"}},
        "required": ["$bytes"],
        "additionalProperties": False,
        "writeOnly": True,
        "description": "A secret of bytes, as base64.",
    },
    "$embedded": {
        "type": "object",
        "properties": {TYPE: {"type": "string", "pattern": f"^{_SLUG}$"}},
        "required": [TYPE],
        "description": "A block that is saved inside this one; $type is its slug.",
    },
}
_NOTES: Json = {
    DESCRIPTION: {
        "type": "string",
        "maxLength": MAX_DESCRIPTION,
        "description": "What the block is for.",
    },
    TAGS: {
        "type": "array",
        "maxItems": MAX_TAGS,
        "items": {"type": list(_PLAIN), "pattern": "^[A-Za-z0-9][A-Za-z0-9._:/=-]{0,62}$"},
        "description": "Words to find it by.",
    },
    EXPIRES: {
        "type": ["string", "null"],
        "description": "When what it holds ends to be valid: 2027-06-30, or with a time.",
    },
}


class ManifestSchema(NamedTuple):
    """The schema of manifests.

    Attributes:
        schema: The schema.
        problems: Kinds of block that are left open, with the reason.
    """

    schema: Json
    problems: tuple[str, ...]


def manifest_schema(
    registry: Registry, slugs: Iterable[str] | None = None, *, overlay: bool = False
) -> ManifestSchema:
    """Return the JSON Schema of manifests.

    Args:
        registry: Knows the block classes.
        slugs: Only these kinds of block, others unchecked; all where it is None.
        overlay: For overlays, which need not give all fields.

    Raises:
        UnknownBlock, PluginError: A slug that is asked for is not to be had.
    """
    schemas = _Schemas(overlay=overlay)
    problems: list[str] = []
    patterns: Json = {}
    # Loads the plugins, so that those which fail are known.
    wanted = (
        registry.names("blocks") if slugs is None else {s: registry.block_class(s) for s in slugs}
    )
    for slug in wanted:
        try:
            patterns[f"^{slug}/{_NAME}$"] = schemas.block(registry.block_class(slug))
        except BrickworkError as error:
            if slugs is not None:
                raise
            problems.append(f"{slug} is left open: {error.what}")
            patterns[f"^{slug}/{_NAME}$"] = {"type": ["object", "null"]}
    if slugs is None:
        for name, module, reason in _broken(registry):
            problems.append(f"the blocks of {name} are left open: {reason}")
            open_slugs = _SLUG if module else f"{name}(?:-[a-z0-9]+)*"
            patterns[f"^{open_slugs}/{_NAME}$"] = {"type": ["object", "null"]}
    blocks: Json = {
        "type": ["object", "null"],
        "description": "The blocks, by slug/name.",
        "patternProperties": patterns,
        "additionalProperties": False,
    }
    if slugs is not None:
        blocks["additionalProperties"] = {"type": ["object", "null"]}
        blocks["propertyNames"] = {"pattern": f"^{_SLUG}/{_NAME}$"}
    schema = {
        "$schema": _DIALECT,
        "title": "Brickwork manifest",
        "type": ["object", "null"],
        "properties": {
            "manifest": {
                "type": list(_PLAIN),
                "pattern": f"^{_NAME}$",
                "description": "The name of the manifest, which owns the blocks; --prune needs it.",
            },
            "version": {"const": 1, "description": "Of the format."},
            "blocks": blocks,
        },
        "additionalProperties": False,
        "$defs": dict(sorted({**_COMMON, **schemas.definitions}.items())),
    }
    return ManifestSchema(schema, tuple(problems))


class _Schemas:
    """Makes the schemas of blocks, and collects what they share."""

    def __init__(self, *, overlay: bool) -> None:
        self._overlay = overlay
        self.definitions: Json = {}

    def block(self, cls: type[Block]) -> Json:
        """Return the schema of a block that is saved on its own."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # defaults that JSON cannot carry, such as secrets
            made = cls.model_json_schema(
                ref_template=f"#/$defs/{cls.slug}:{{model}}", schema_generator=_Marking
            )
        inside = made.pop("$defs", {})
        for name, definition in inside.items():
            self.definitions[f"{cls.slug}:{name}"] = self._value(definition)
        if "$ref" in made:  # it holds itself
            made = inside[made["$ref"].rpartition(":")[2]]
        whole = self._fields(made)
        whole["properties"] = {**_NOTES, **whole["properties"]}
        whole["type"] = ["object", "null"]
        if self._overlay or not whole.get("required"):
            whole.pop("required", None)
        else:
            whole["type"] = "object"
        return whole

    def _inside(self, schema: Json) -> Json:
        """Return the schema of a field that holds a block: the block itself, or its address."""
        slug = schema[_SLUG_MARK]
        choices: list[Json] = [{"$ref": "#/$defs/$block"}]
        if slug:
            embedded = self._fields(schema)
            embedded["properties"] = {TYPE: {"const": slug}, **embedded["properties"]}
            choices.append(embedded)
        else:
            choices.append({"$ref": "#/$defs/$embedded"})
        return {"anyOf": choices}

    def _fields(self, schema: Json) -> Json:
        """Return the schema of an object, whose fields may be references."""
        found = {key: item for key, item in schema.items() if key not in ("title", *_MARKS)}
        properties = {name: self._value(each) for name, each in schema["properties"].items()}
        required = list(schema.get("required", ()))
        for name, alias in schema.get(_ALIAS_MARK, {}).items():  # either of the two may be written
            if alias in properties and name not in properties:
                properties[name] = properties[alias]
                required = [each for each in required if each != alias]
        found["properties"] = properties
        found.pop("required", None)
        return {**found, "required": required} if required else found

    def _value(self, schema: Json) -> Json:
        """Return the schema of a value in which a reference may stand for a text."""
        if _SLUG_MARK in schema:
            return self._inside(schema)
        if schema.get("writeOnly"):
            return self._secret(schema)
        if "properties" in schema:
            return self._fields(schema)
        told: Json = {key: schema[key] for key in ("description", "default") if key in schema}
        rest = {key: schema[key] for key in schema if key not in (*told, "title", "discriminator")}
        for several in ("anyOf", "oneOf", "allOf"):
            if several in rest:
                members = [self._value(each) for each in rest.pop(several)]
                # Not oneOf: a reference fits several of them.
                word = "allOf" if several == "allOf" else "anyOf"
                return {**told, **rest, word: members}
        if not rest or "$ref" in rest:
            return {**told, **rest}
        kind = rest.get("type")
        if kind == "array":
            return {**told, **self._items(rest)}
        if kind == "object":
            values = rest.get("additionalProperties")
            if isinstance(values, dict):
                rest["additionalProperties"] = self._value(values)
            rest.pop("propertyNames", None)
            return {**told, **rest}
        if kind == "null":
            return {**told, **rest}
        if kind == "string" and "enum" not in rest and "const" not in rest:
            # A number that stands where a text is wanted is taken as the text that was written.
            rest["type"] = list(_PLAIN)
            if set(rest) <= {"type", "format"}:
                return {**told, "type": rest["type"]}
        return {**told, "anyOf": [rest, {"$ref": "#/$defs/$reference"}]}

    def _items(self, schema: Json) -> Json:
        found = dict(schema)
        if isinstance(found.get("items"), dict):
            found["items"] = self._value(found["items"])
        if "prefixItems" in found:
            found["prefixItems"] = [self._value(each) for each in found["prefixItems"]]
        return found

    def _secret(self, schema: Json) -> Json:
        text = {"type": list(_PLAIN), "writeOnly": True}
        told = {"description": schema["description"]} if "description" in schema else {}
        others = [{"$ref": "#/$defs/$kept"}, {"$ref": "#/$defs/$bytes"}]
        return {**told, "writeOnly": True, "anyOf": [text, *others]}


class _Marking(GenerateJsonSchema):
    """Marks what is a block, which JSON Schema cannot tell from another object."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Return the schema of a model, with its slug if it is a block."""
        made = super().model_schema(schema)
        cls = schema["cls"]
        if issubclass(cls, Block):
            fields = cls.model_fields.items()
            made[_SLUG_MARK] = cls.__dict__.get("slug", "")
            made[_ALIAS_MARK] = {name: field.alias for name, field in fields if field.alias}
        return made


def _broken(registry: Registry) -> Iterator[tuple[str, bool, str]]:
    """Yield what cannot be used, whether it is a module of the project, and why."""
    for info in registry.load_all():
        if info.status in ("broken", "blocked", "duplicate"):
            yield info.name, not info.distribution, info.reason or info.status
