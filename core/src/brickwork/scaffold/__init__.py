"""Writes the package of a new plugin, from files that are nearly those that are written."""

from brickwork.scaffold.plan import LICENSES, PARTS, Plan, check_name
from brickwork.scaffold.writing import write

__all__ = ["LICENSES", "PARTS", "Plan", "check_name", "write"]
