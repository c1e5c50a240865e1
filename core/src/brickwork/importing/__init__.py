"""Importing: what other tools have saved, made into blocks.

A reader (`prefect`, `airflow`) makes `Entry` values of a file or an answer of a server; `planning`
compares the blocks that they mean with what is saved, and saves them in one transaction. Values
from outside are plain values: nothing in them is a reference, a template or a class to import.
"""

from brickwork.importing.model import Entry as Entry, Proposal as Proposal
from brickwork.importing.planning import (
    Import as Import,
    Row as Row,
    apply_import as apply_import,
    plan_import as plan_import,
)

__all__ = ["Entry", "Import", "Proposal", "Row", "apply_import", "plan_import"]
