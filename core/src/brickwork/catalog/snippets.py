"""What to begin with: a manifest and a program for a block, filled from its example."""

import ast
import doctest
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from brickwork.block import Block, defined_blocks
from brickwork.catalog.docstrings import examples
from brickwork.catalog.fields import own_fields
from brickwork.vault.shapes import Field, Shape

_NAME = "main"
_WIDE = 96


@dataclass
class Sample:
    """What the example of a class's docstring gives it.

    Attributes:
        values: Field to value, where the example has a literal.
        named: Fields that the example gives, also by other expressions.
        name: The name that it saves it under.
    """

    values: dict[str, Any] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    name: str = _NAME


def sample_of(cls: type) -> Sample:
    """Return what the example of a class says; of several calls, the first with a field."""
    found = Sample()
    try:
        source = code_of(examples(cls.__doc__))
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):
        return found
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    assigned = {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    made = next((each for each in calls if _called(each) == cls.__name__ and each.keywords), None)
    for keyword in made.keywords if made is not None else ():
        if keyword.arg is not None:
            found.named.add(keyword.arg)
            value = keyword.value
            with suppress(ValueError, TypeError):
                known = assigned.get(value.id) if isinstance(value, ast.Name) else None
                found.values[keyword.arg] = _literal(known or value)
    for save in calls:
        name = save.args[0] if _called(save) == "save" and save.args else None
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            found.name = name.value
            break
    return found


def code_of(example: str) -> str:
    """Return the code of an example, without prompts and answers."""
    return "".join(each.source for each in doctest.DocTestParser().get_examples(example))


def manifest(cls: type[Block]) -> str:
    """Return a manifest with one block: what is needed filled in, the rest as comments."""
    sample = sample_of(cls)
    lines, given = [], False
    for each in own_fields(cls):
        lines += _commented(" ".join(each.description.split()), "    ")
        now = each.required or each.name in sample.named
        given |= now
        lines.append(f"    {'' if now else '# '}{each.name}: {_flow(_value(cls, each, sample))}")
    head = f"  {cls.slug}/{sample.name}:" + ("" if given else " {}")
    return "\n".join(["blocks:", head, *lines]) + "\n"


def usage(cls: type[Block], python: str) -> str:
    """Return a program that makes the block and saves it."""
    sample = sample_of(cls)
    module, _, name = python.partition(":")
    arguments, needs_os, needs_block = [], False, False
    for each in own_fields(cls):
        if not (each.required or each.name in sample.named):
            continue
        value = _python(cls, each, sample)
        needs_os |= "os.environ" in value
        needs_block |= "Block.load(" in value
        arguments.append(f"    {each.name}={value},")
    imports = ["import os", ""] if needs_os else []
    imports += ["from brickwork import Block"] if needs_block and module != "brickwork" else []
    named = ["Block", name] if needs_block and module == "brickwork" else [name]
    imports += [f"from {module} import {', '.join(sorted(named))}", ""]
    call = [f"{name}(", *arguments, f').save("{sample.name}")'] if arguments else None
    return "\n".join([*imports, *(call or [f'{name}().save("{sample.name}")'])]) + "\n"


def _called(call: ast.Call) -> str:
    function = call.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _literal(node: ast.expr) -> Any:
    """Return what an expression is; a model, made with names, as its fields.

    Raises:
        ValueError: It cannot be told.
    """
    if isinstance(node, ast.List | ast.Tuple):
        return [_literal(each) for each in node.elts]
    if isinstance(node, ast.Dict):
        keys = [None if key is None else ast.literal_eval(key) for key in node.keys]
        return dict(zip(keys, map(_literal, node.values), strict=True))
    if isinstance(node, ast.Call):
        return _made(node)
    value = ast.literal_eval(node)
    json.dumps(value)
    return value


def _made(call: ast.Call) -> dict[str, Any]:
    """Return a model as its fields, and a block, made or loaded, as a reference."""
    name, saved = _called(call), _NAME
    if name == "load" and isinstance(call.func, ast.Attribute):
        name, saved = getattr(call.func.value, "id", ""), ast.literal_eval(call.args[0])
    for slug, cls in defined_blocks.items():
        if cls.__name__ == name:
            return {"$block": f"{slug}/{saved}"}
    named = {each.arg: _literal(each.value) for each in call.keywords if each.arg is not None}
    if call.args or len(named) < len(call.keywords) or not name[:1].isupper():
        raise ValueError("no model made with names")
    return named


def _value(cls: type[Block], each: Field, sample: Sample) -> Any:
    """Return what stands for a field in a manifest."""
    if each.shape.takes_secret():
        return f"${{env:{_variable(cls, each.name)}}}"
    if (value := _sampled(each, sample)) is not None:
        return value
    if not each.required and isinstance(each.default, str | int | float) and each.default != "":
        return getattr(each.default, "value", each.default)
    return _placeholder(each.shape)


def _sampled(each: Field, sample: Sample) -> Any:
    """Return what the example gives a field; nothing where that is a block, or has a secret."""
    value = sample.values.get(each.name)
    refers = isinstance(value, str) or (isinstance(value, dict) and set(value) == {"$block"})
    if (each.shape.block_classes() and not refers) or each.shape.secret_in(value):
        return None
    return value


def _python(cls: type[Block], each: Field, sample: Sample) -> str:
    if each.shape.takes_secret():
        return f'os.environ["{_variable(cls, each.name)}"]'
    value = _sampled(each, sample)
    return _code(_placeholder(each.shape) if value is None else value)


def _code(value: Any) -> str:
    """Return a value as Python; a reference to a block as what loads it."""
    if isinstance(value, dict) and set(value) == {"$block"}:
        return f"Block.load({_code(value['$block'])})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_code(k)}: {_code(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_code, value)) + "]"
    if isinstance(value, str) and value.startswith("${env:"):
        return f'os.environ["{value[6:-1]}"]'
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _block(shape: Shape) -> dict[str, str]:
    (cls, *_) = shape.block_classes()
    slug = cls.__dict__.get("slug", "slug")
    return {"$block": f"{slug}/{_NAME}"}


def _variable(cls: type[Block], name: str) -> str:
    plugin, hyphen, _ = cls.slug.partition("-")
    own = cls.__module__.partition(".")[0] == "brickwork"
    prefix = cls.slug if own or not hyphen else plugin
    return f"{prefix}_{name}".upper().replace("-", "_")


def _placeholder(shape: Shape) -> Any:
    """Return something of the right sort, where no example says more."""
    if shape.takes_secret():
        return "${env:NAME}"
    if shape.kind == "block":
        return _block(shape)
    if shape.kind == "choice":
        return shape.choices[0]
    if shape.kind == "bool":
        return False
    if shape.kind in ("dict", "list"):
        return {} if shape.kind == "dict" else [_placeholder(shape.options[0])]
    if shape.kind == "union":
        return _placeholder(shape.options[0])
    if shape.kind == "fields":
        inside = own_fields(shape.bare)
        return {each.name: _placeholder(each.shape) for each in inside if each.required}
    for cls in (int, float):
        if isinstance(shape.bare, type) and issubclass(shape.bare, cls):
            return cls(1)
    return "..."


def _flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    import yaml

    text: str = yaml.safe_dump(
        value, default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _commented(text: str, margin: str) -> list[str]:
    import textwrap

    wide = _WIDE - len(margin) - 2
    return [f"{margin}# {line}" for line in textwrap.wrap(text, wide)]
