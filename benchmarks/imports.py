"""What starting costs: the package itself, and a process that loads one saved credential."""

from collections.abc import Iterator

from benchmarks.environments import WORKLOADS, Context, figures, need_aws, plain_env, vault_env
from benchmarks.measure import Bar, Process, Row, interleave

# The least that any program with typed models, plugins, a database and encryption imports.
FLOOR = """
import pluggy, pydantic, sqlite3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
class Model(pydantic.BaseModel):
    name: str
"""
BY_CLASS = "from brickwork_aws import AwsCredentials; AwsCredentials.load('prod')"
BY_ADDRESS = "from brickwork import Block; Block.load('aws-credentials/prod')"
# boto3 costs half a second; only the code that makes a client may import it.
NO_SDK = "; import sys; assert 'boto3' not in sys.modules and 'botocore' not in sys.modules"


def measure(context: Context) -> Iterator[Row]:
    """Yield the rows of this part."""
    yield _import(context)
    yield from _first_load(context)
    yield _catalog(context)


def _import(context: Context) -> Row:
    def process(code: str) -> Process:
        return Process([context.python, "-c", code], plain_env())

    timed = interleave([process("import brickwork"), process("pass")], context.some(200))
    return Row(
        "import brickwork",
        ours=timed.median(0),
        other=timed.median(1),
        other_name="the bare interpreter",
        ratio=timed.ratio(0, 1),
        bar=Bar("ratio", at_most=1.5),
    )


def _first_load(context: Context) -> Iterator[Row]:
    env = saved_credential(context)
    codes = [FLOOR, BY_CLASS + NO_SDK, BY_ADDRESS + NO_SDK]
    processes = [Process([context.python, "-c", code], env) for code in codes]
    timed = interleave(processes, context.some(60))
    for which, what in ((1, "by its class"), (2, "by its address")):
        yield Row(
            f"process that loads one credential {what}",
            ours=timed.median(which),
            other=timed.median(0),
            other_name="process that imports pydantic and one model, pluggy, sqlite3, AESGCM",
            ratio=timed.ratio(which, 0),
            bar=Bar("ratio", at_most=1.5),
            note="the process checks that boto3 was not imported",
        )


def _catalog(context: Context) -> Row:
    def process(*words: str) -> Process:
        return Process([context.python, "-m", "brickwork", *words], plain_env())

    shown = process("catalog", "show", "aws-credentials")
    timed = interleave([shown, process("--version")], context.some(60))
    return Row(
        "brickwork catalog show aws-credentials",
        ours=timed.median(0),
        other=timed.median(1),
        other_name="brickwork --version",
        ratio=timed.ratio(0, 1),
        bar=Bar("ratio", at_most=1.5),
    )


def saved_credential(context: Context) -> dict[str, str]:
    """Save ``aws-credentials/prod`` in a vault of its own; return the variables that lead there."""
    need_aws(context)
    env = vault_env(context.scratch("home"))
    figures([context.python, WORKLOADS / "ours.py", "populate", "--count", "1"], env)
    return env
