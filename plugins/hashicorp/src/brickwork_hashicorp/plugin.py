"""What this package brings to Brickwork: names and dotted paths, nothing imported."""

from collections.abc import Mapping

from brickwork import hookimpl

brickwork_api = 1


@hookimpl
def brickwork_blocks() -> Mapping[str, str]:
    """The blocks."""
    return {"hashicorp-vault": "brickwork_hashicorp.block:HashicorpVault"}


@hookimpl
def brickwork_resolvers() -> Mapping[str, str]:
    """The resolver of ``${vault:path#field}``."""
    return {"vault": "brickwork_hashicorp.resolver:VaultResolver"}
