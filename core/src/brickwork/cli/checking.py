"""A block that is checked before it is saved."""

from dataclasses import asdict

from brickwork.block import Block


def check_block(block: Block) -> list[dict[str, str]]:
    """Check one block; never raises."""
    from brickwork.vault.checking import check_block

    return [asdict(finding) for finding in check_block(block)]
