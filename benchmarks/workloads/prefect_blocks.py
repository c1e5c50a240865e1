"""The steps of ``ours.py`` with Prefect's AwsCredentials, run in Prefect's own environment.

Kind to the peer: everything is warm, start-up is not counted, and the steps that take an open
client are also measured with one that is held open, the quickest way its public interface has.
"""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from time import perf_counter

# Only in Prefect's own environment, so type checkers do not see it.
from prefect.client.orchestration import get_client  # type: ignore[import-not-found]  # another environment
from prefect.client.schemas.actions import (  # type: ignore[import-not-found]  # another environment
    BlockDocumentCreate,
)
from prefect_aws import AwsCredentials  # type: ignore[import-not-found]  # another environment

PAGE = 200  # the most that its API gives in one answer


def credential(number: int) -> AwsCredentials:
    """Return a block that differs from all others."""
    return AwsCredentials(
        aws_access_key_id=f"AKIA{number:016}",
        aws_secret_access_key=f"{number:040}",
        region_name="eu-west-1",
    )


def _timed(call: Callable[[int], object], numbers: range) -> list[float]:
    taken = []
    for number in numbers:
        start = perf_counter()
        call(number)
        taken.append(perf_counter() - start)
    return taken


async def _timed_async(call: Callable[[int], Awaitable[object]], numbers: range) -> list[float]:
    taken = []
    for number in numbers:
        start = perf_counter()
        await call(number)
        taken.append(perf_counter() - start)
    return taken


async def populate(count: int) -> None:
    """Make sure that there are ``count`` more blocks; not timed, so by the quickest way."""
    gate = asyncio.Semaphore(4)

    async with get_client() as client:
        # A save registers the type and the schema each time; here it is done once.
        await credential(0).aregister_type_and_schema(client=client)
        kind = await client.read_block_type_by_slug("aws-credentials")
        schema = await client.get_most_recent_block_schema_for_block_type(kind.id)

        async def create(number: int) -> None:
            secret = credential(number)
            document = BlockDocumentCreate(
                name=f"block-{number:04}",
                block_type_id=kind.id,
                block_schema_id=schema.id,
                data={
                    "aws_access_key_id": secret.aws_access_key_id,
                    "aws_secret_access_key": secret.aws_secret_access_key.get_secret_value(),
                    "region_name": secret.region_name,
                },
            )
            async with gate:
                await client.create_block_document(document)

        await asyncio.gather(*(create(number) for number in range(count)))


async def held(loads: int, saves: int) -> dict[str, list[float]]:
    """Load and save with one client that stays open."""
    async with get_client() as client:

        async def load(_: int) -> object:
            return await AwsCredentials.aload("prod", client=client)

        async def save(number: int) -> object:
            return await credential(number).asave(f"held-{number}", client=client)

        await _timed_async(load, range(5))
        await _timed_async(save, range(10_000, 10_002))
        return {
            "load_held": await _timed_async(load, range(loads)),
            "save_held": await _timed_async(save, range(saves)),
        }


async def listing(repeats: int) -> dict[str, object]:
    """List every block, page by page, with one client that stays open and without secrets."""
    found = 0

    async with get_client() as client:

        async def whole(_: int) -> None:
            nonlocal found
            found = 0
            while True:
                page = await client.read_block_documents(
                    offset=found, limit=PAGE, include_secrets=False
                )
                found += len(page)
                if len(page) < PAGE:
                    return

        await whole(0)
        return {"list": await _timed_async(whole, range(repeats)), "listed": found}


def main() -> None:
    """Run every step and print the timings, in seconds, as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--loads", type=int, required=True)
    parser.add_argument("--saves", type=int, required=True)
    parser.add_argument("--distinct", type=int, required=True)
    options = parser.parse_args()

    asyncio.run(populate(options.count))
    figures: dict[str, object] = asyncio.run(listing(5))
    figures["distinct"] = _timed(
        lambda n: AwsCredentials.load(f"block-{n:04}"), range(options.distinct)
    )
    credential(1).save("prod")
    _timed(lambda _: AwsCredentials.load("prod"), range(5))
    figures["load"] = _timed(lambda _: AwsCredentials.load("prod"), range(options.loads))
    figures["save"] = _timed(lambda n: credential(n).save(f"saved-{n}"), range(options.saves))
    figures |= asyncio.run(held(options.loads, options.saves))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
