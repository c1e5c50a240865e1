"""Runs the examples that docstrings show."""

import doctest
from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

_LOOSE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples_in(docstring: str | None) -> list[doctest.Example]:
    """Return what stands after ``>>>`` in a docstring, with what it should print."""
    return doctest.DocTestParser().get_examples(cleandoc(docstring or ""))


def run_examples(name: str, docstring: str | None, names: Mapping[str, Any]) -> None:
    """Run the examples of a docstring, which share their names.

    As in doctest, ``...`` in an output stands for any text, and white space counts once.

    Args:
        name: What it documents, for messages.
        docstring: The docstring.
        names: What the examples may use without importing it.

    Raises:
        AssertionError: One raised, or gave something else than the docstring says.
    """
    said: list[str] = []
    test = doctest.DocTest(examples_in(docstring), dict(names), name, None, None, docstring)
    doctest.DocTestRunner(verbose=False, optionflags=_LOOSE).run(test, out=said.append)
    assert not said, f"{name}: the example in its docstring does not do what it says.\n" + "".join(
        said
    )
