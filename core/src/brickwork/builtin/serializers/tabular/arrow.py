"""pyarrow, imported when the first table is written or read; and which of its types are kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from brickwork.errors import BrickworkError, CorruptData, PluginMissing
from brickwork.serializer import DEFAULT_MAX_SIZE

EXTENSION = b"ARROW:extension:"
"""Begins the keys in the metadata of a column that say its extension type."""

EMPTY_VALUES = DEFAULT_MAX_SIZE // 8
"""How many values that take no bytes a table may have: each may become a pointer when read."""


def pyarrow(module: str = "pyarrow") -> Any:
    """Return pyarrow, or a module of it. Raises PluginMissing."""
    return needed(module, "Tables are written and read with pyarrow", "'brickwork[arrow]'")


def needed(module: str, why: str, package: str, otherwise: str = "") -> Any:
    """Return a module of a package that is not always there. Raises PluginMissing.

    Args:
        module: Its name.
        why: What it is needed for, as the first half of a sentence that ends with its name.
        package: What to install.
        otherwise: What to do instead.
    """
    try:
        return import_module(module)
    except ImportError:
        raise PluginMissing(
            f"{why}, which is not installed.", fix=f"pip install {package}{otherwise}"
        ) from None


@contextmanager
def damaged(what: str) -> Iterator[None]:
    """Turn the errors of other libraries into CorruptData, which says what is damaged."""
    try:
        yield
    except (BrickworkError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - libraries raise errors of many classes
        # From None: the error may quote the data.
        raise CorruptData(f"The {what} is damaged ({type(error).__name__}).") from None


def refused_type(arrow_type: Any) -> Any:
    """Return the type, or that type in it, which is not kept; None if there is none.

    Extension types are not: what reads one is code that the program registered, and some of it
    loads pickles. Nor are the layouts that repeat values without repeating their bytes.
    """
    types = pyarrow().types
    if types.is_dictionary(arrow_type):
        inner = arrow_type.value_type
        return inner if types.is_nested(inner) or types.is_dictionary(inner) else None
    if not types.is_nested(arrow_type):
        return None if _is_plain(arrow_type) else arrow_type
    if not any(
        is_kept(arrow_type)
        for is_kept in (
            types.is_list,
            types.is_large_list,
            types.is_fixed_size_list,
            types.is_map,
            types.is_struct,
        )
    ):
        return arrow_type
    found = (refused_type(field.type) for field in fields_of(arrow_type))
    return next((inner for inner in found if inner is not None), None)


def fields_of(arrow_type: Any) -> Iterator[Any]:
    """Yield the fields of a nested type."""
    return (arrow_type.field(at) for at in range(arrow_type.num_fields))


def _is_plain(arrow_type: Any) -> bool:
    types = pyarrow().types
    return not (
        isinstance(arrow_type, pyarrow().BaseExtensionType) or types.is_run_end_encoded(arrow_type)
    )


def check_read(table: Any) -> None:
    """Verify a table that was read from bytes: its types, its buffers, its size.

    Raises:
        CorruptData: It is of a form that is never written.
        Exception: Something in it points where nothing is; any error of pyarrow.
    """
    if any(refused_type(field.type) is not None for field in table.schema):
        raise CorruptData("The table has a column of a type that is never written.")
    if count_empty(table) > EMPTY_VALUES:
        raise CorruptData(f"The table has more than {EMPTY_VALUES} values that take no bytes.")
    table.schema.to_string()  # names that are no text are an error here, and a panic in polars
    table.validate(full=True)


def count_empty(table: Any) -> int:
    """Return how many values of a table take no bytes, such as nulls of the type null."""
    return sum(
        _count_empty(chunk)
        for column in table.columns
        if _may_be_empty(column.type)
        for chunk in column.chunks
    )


def _may_be_empty(arrow_type: Any) -> bool:
    types = pyarrow().types
    if types.is_null(arrow_type):
        return True
    if types.is_fixed_size_binary(arrow_type):
        return bool(arrow_type.byte_width == 0)
    if types.is_dictionary(arrow_type):
        return _may_be_empty(arrow_type.value_type)
    if types.is_struct(arrow_type) and not arrow_type.num_fields:
        return True
    if types.is_fixed_size_list(arrow_type) and not arrow_type.list_size:
        return True
    return types.is_nested(arrow_type) and any(
        _may_be_empty(field.type) for field in fields_of(arrow_type)
    )


def _count_empty(array: Any) -> int:
    types = pyarrow().types
    if not _may_be_empty(array.type):
        return 0
    if types.is_dictionary(array.type):
        return _count_empty(array.dictionary)
    if types.is_struct(array.type):
        inside = sum(_count_empty(array.field(at)) for at in range(array.type.num_fields))
        return max(len(array), inside)
    if types.is_map(array.type):
        return _count_empty(array.keys) + _count_empty(array.items)
    if types.is_nested(array.type):
        return max(len(array), _count_empty(array.values))
    return len(array)
