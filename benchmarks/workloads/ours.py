"""The steps of a vault with brickwork-aws's AwsCredentials, in a process of its own.

The vault and its key come from the environment, as in a container. The last line printed is an
object in JSON: per step the seconds that each call took.
"""

import argparse
import gc
import json
import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from brickwork import Vault
from brickwork.crypto import NamedKey
from brickwork.vault.envelope import Identity, Secrets, seal_secrets
from brickwork_aws import AwsCredentials


def credential(number: int) -> AwsCredentials:
    """Return a block that differs from all others."""
    return AwsCredentials(
        access_key_id=f"AKIA{number:016}",
        secret_access_key=f"{number:040}",
        region="eu-west-1",
    )


def _timed(call: Callable[[int], object], numbers: range) -> list[float]:
    taken = []
    for number in numbers:
        start = perf_counter()
        call(number)
        taken.append(perf_counter() - start)
    return taken


def populate(count: int) -> dict[str, object]:
    """Save ``prod`` and ``count`` other blocks."""
    credential(1).save("prod")
    for number in range(count):
        credential(number).save(f"block-{number:04}")
    return {}


def load(count: int) -> dict[str, object]:
    """Load one block again and again."""
    _timed(lambda _: AwsCredentials.load("prod"), range(200))
    return {"load": _timed(lambda _: AwsCredentials.load("prod"), range(count))}


def distinct(count: int) -> dict[str, object]:
    """Load ``count`` blocks once each; what a first load imports and unlocks is done before."""
    AwsCredentials.load("prod")
    gc.collect()
    return {"distinct": _timed(lambda n: AwsCredentials.load(f"block-{n:04}"), range(count))}


def listing(count: int) -> dict[str, object]:
    """List everything. Needs no key: started without one, it proves that nothing is decrypted."""
    vault = Vault.open()
    listed = len(list(vault.documents()))
    return {"listed": listed, "list": _timed(lambda _: list(vault.documents()), range(count))}


def save(count: int) -> dict[str, object]:
    """Save new blocks; after each, time one small append with its fsync in the same folder."""
    probe = Path(os.environ["BRICKWORK_HOME"]) / "probe"
    credential(10_000).save("first")
    saves, syncs = [], []
    with probe.open("wb", buffering=0) as file:
        for number in range(count):
            block = credential(number)
            start = perf_counter()
            block.save(f"saved-{number}")
            saved = perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            saves.append(saved - start)
            syncs.append(perf_counter() - saved)
    return {"save": saves, "fsync": syncs}


def save_only(count: int) -> dict[str, object]:
    """Save new blocks and do nothing else, for a tracer to count what that asks of the disk."""
    for number in range(count):
        credential(number).save(f"saved-{number}")
    return {}


def fill(count: int) -> dict[str, object]:
    """Make ``count`` documents in bulk, as saving them one by one would have."""
    credential(0).save("prod")
    vault = Vault.open()
    like = vault.store.get("aws-credentials", "prod")
    assert like is not None
    kid = vault.keys.active()
    key = NamedKey(kid, vault.keys.wrapping_key(kid))
    secrets = Secrets({"secret_access_key": f"{0:040}"})
    for start in range(0, count, 5000):
        numbers = range(start, min(start + 5000, count))
        with vault.store.transaction():
            for number in numbers:
                document = like._replace(block_id=os.urandom(16), name=f"bulk-{number:06}")
                identity = Identity.of(document, vault.store.store_id)
                sealed = seal_secrets(key, identity, document.public, secrets)
                vault.store.put(document._replace(sealed=sealed))
            vault.store.count_wrap(kid, len(numbers))
    return {"size": Path(str(vault.store.location)).stat().st_size}


def rotate(count: int) -> dict[str, object]:
    """Rewrap them to a new root key; load some afterwards."""
    vault = Vault.open()
    start = perf_counter()
    done = vault.keys.rotate()
    seconds = perf_counter() - start
    assert done.documents == count + 1, done
    for number in range(0, count, max(1, count // 10)):
        AwsCredentials.load(f"bulk-{number:06}")
    return {"rotate": seconds, "documents": done.documents}


def manifest(count: int) -> dict[str, object]:
    """Plan and apply a manifest of ``count`` blocks, half of which use the other half.

    Then plan it again, when all is the same, and once more with every block changed.
    """
    folder = Path(os.environ["BRICKWORK_HOME"])
    file = folder / "blocks.yaml"
    credential(0).save("prod")  # the vault is made, its key unlocked
    figures: dict[str, object] = {}
    for name, region in (("new", "eu-west-1"), ("same", "eu-west-1"), ("changed", "eu-west-2")):
        lines = ["manifest: bench", "blocks:"]
        for number in range(count // 2):
            lines += [
                f"  aws-s3-bucket/b{number}:",
                f"    bucket: reports-{number}",
                f"    prefix: {region}/",
                f"    credentials: {{$block: aws-credentials/c{number}}}",
                f"  aws-credentials/c{number}:",
                f"    region: {region}",
                f"    access_key_id: AKIA{number:016}",
                f'    secret_access_key: "{number:040}"',
                "    client_options: {connect_timeout: 5}",
            ]
        file.write_text("\n".join(lines))
        gc.collect()
        start = perf_counter()
        plan = Vault.open().plan(file)
        planned = perf_counter()
        plan.apply()
        figures[f"plan {name}"], figures[f"apply {name}"] = (
            planned - start,
            perf_counter() - planned,
        )
        figures[f"steps {name}"] = plan.counts
    return figures


STEPS: dict[str, Callable[[int], dict[str, object]]] = {
    "populate": populate,
    "load": load,
    "distinct": distinct,
    "list": listing,
    "save": save,
    "save-only": save_only,
    "manifest": manifest,
    "fill": fill,
    "rotate": rotate,
}


def main() -> None:
    """Run one step and print its figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--count", type=int, required=True)
    options = parser.parse_args()
    print(json.dumps(STEPS[options.step](options.count)))


if __name__ == "__main__":
    main()
