"""Many things by few requests: ten by each, and those that failed are asked for again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from brickwork import check_cancelled, sleep
from brickwork_aws.errors import AwsError

BATCH = 10
"""Entries that one request may have: of SQS, SNS and EventBridge alike."""

_ATTEMPTS = 5

Entry = Mapping[str, Any]


def in_batches(
    operation: str,
    entries: Sequence[Entry],
    ask: Callable[[list[dict[str, Any]]], Mapping[str, Any]],
    *,
    size: Callable[[Entry], int] = lambda _: 0,
    most_bytes: int = 1,
) -> list[dict[str, Any]]:
    """Ask for many, ten by each request; what the service could not do it is asked again.

    Args:
        operation: What it is called in errors, ``sns:PublishBatch``.
        entries: What is asked for; an ``Id`` is added to each.
        ask: Sends one request; the answer has ``Successful`` and ``Failed``, each with its ``Id``.
        size: How many bytes an entry counts for.
        most_bytes: As many the entries of one request have at most; one that has more goes alone.

    Returns:
        What the service says of each, in order.

    Raises:
        AwsError: Some failed, by their own fault or each time; what was done stays.
    """
    done: dict[int, dict[str, Any]] = {}
    left = list(enumerate(entries))
    for attempt in range(_ATTEMPTS):
        failed: dict[int, Entry] = {}
        for chunk in _chunks(left, size, most_bytes):
            check_cancelled()
            answer = ask([{"Id": str(number), **entry} for number, entry in chunk])
            done.update({int(each["Id"]): each for each in answer.get("Successful", ())})
            failed.update({int(each["Id"]): each for each in answer.get("Failed", ())})
        left = [(number, entry) for number, entry in left if number in failed]
        wrong = [each for each in failed.values() if each.get("SenderFault")]
        if not left:
            return [done[number] for number in sorted(done)]
        if wrong or attempt == _ATTEMPTS - 1:
            raise _refused(operation, failed, wrong, len(done))
        sleep(0.2 * 2**attempt)
    raise AssertionError  # the last attempt returns or raises


def _refused(
    operation: str, failed: Mapping[int, Entry], wrong: Sequence[Entry], done: int
) -> AwsError:
    first = min(failed)
    why = failed[first]
    numbers = ", ".join(str(number) for number in sorted(failed)[:BATCH])
    error = AwsError(
        f"{operation}: {len(failed)} of {len(failed) + done} failed (numbers {numbers}, "
        f"from 0); the first: {why.get('Code')}: {why.get('Message', '')}".rstrip(": ")
        + ".",
        fix="Mend those; the others are done." if wrong else "Try those again later.",
    )
    error.code = str(why.get("Code", ""))
    return error


def _chunks(
    entries: Sequence[tuple[int, Entry]], size: Callable[[Entry], int], most_bytes: int
) -> Iterator[list[tuple[int, Entry]]]:
    chunk: list[tuple[int, Entry]] = []
    used = 0
    for number, entry in entries:
        more = size(entry)
        if chunk and (len(chunk) == BATCH or used + more > most_bytes):
            yield chunk
            chunk, used = [], 0
        chunk.append((number, entry))
        used += more
    if chunk:
        yield chunk
