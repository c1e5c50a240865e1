"""The fields of blocks, as entries of the catalog."""

from typing import Any

from brickwork.catalog.model import FieldEntry
from brickwork.catalog.words import default, words
from brickwork.vault.shapes import Field, Shape, fields_of

_DEEPEST = 6


def own_fields(cls: Any) -> list[Field]:
    """Return each field of a class once, in order, under its own name."""
    return list({field.name: field for field in fields_of(cls).values()}.values())


def field_entries(cls: Any, above: tuple[Any, ...] = ()) -> list[FieldEntry]:
    """Return the fields of a class, with those inside them."""
    return [_entry(field, (*above, cls)) for field in own_fields(cls)]


def holds(shape: Shape) -> Any:
    """Return the class with fields that may stand in a place, or inside its list; None if none."""
    if shape.kind == "fields":
        return shape.bare
    if shape.kind in ("list", "dict"):
        return holds(shape.options[0])
    if shape.kind == "union":
        classes = [cls for each in shape.options if (cls := holds(each)) is not None]
        return classes[0] if len(classes) == 1 else None
    return None


def _entry(field: Field, above: tuple[Any, ...]) -> FieldEntry:
    inside = holds(field.shape)
    deeper = inside is not None and inside not in above and len(above) < _DEEPEST
    return FieldEntry(
        name=field.name,
        type=words(field.shape),
        required=field.required,
        secret=field.shape.takes_secret(),
        default=default(field.default),
        description=" ".join(field.description.split()),
        fields=field_entries(inside, above) if deeper else [],
    )
