"""What tests do to files behind a program's back."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


def dump(path: Path) -> list[str]:
    """Return an SQLite database as SQL: equal if nothing in it was changed."""
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


def change(path: Path, query: str, *values: object) -> None:
    """Write to an SQLite database, as somebody with the file would; at least one row."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute(query, values).rowcount > 0
        database.commit()


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Set the process's umask for a while."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
