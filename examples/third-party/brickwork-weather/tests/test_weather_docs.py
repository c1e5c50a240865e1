"""What the README and the documentation show is what happens."""

import doctest
from pathlib import Path

import pytest
from brickwork import Vault

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_do_what_they_show(page: Path, memory_vault: Vault) -> None:
    """Every line after ``>>>`` runs, and gives what stands below it."""
    failed, tried = doctest.testfile(str(page), module_relative=False)
    assert tried
    assert not failed
