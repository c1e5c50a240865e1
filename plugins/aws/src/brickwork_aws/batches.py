"""Many things by few requests: ten by each, and those that failed are asked for again."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from brickwork import InvalidArguments, check_cancelled, sleep
from brickwork_aws.errors import AwsError

BATCH = 10
"""Entries that one request may have: of SQS, SNS and EventBridge alike."""

_ATTEMPTS = 5

Entry = Mapping[str, Any]
T = TypeVar("T")


def in_batches(
    operation: str,
    entries: Sequence[Entry],
    ask: Callable[[list[dict[str, Any]]], Mapping[str, Any]],
    *,
    size: Callable[[Entry], int] = lambda _: 0,
    most_bytes: int = 1,
    in_order: bool = False,
) -> list[dict[str, Any]]:
    """Ask for many, ten by each request; what the service could not do it is asked again.

    Args:
        operation: What it is called in errors, ``sns:PublishBatch``.
        entries: What is asked for; an ``Id`` is added to each.
        ask: Sends one request; the answer has ``Successful`` and ``Failed``, each with its ``Id``.
        size: How many bytes an entry counts for.
        most_bytes: As many the entries of one request have at most; one that has more goes alone.
        in_order: Whether each request waits until all that was asked for before it is done.

    Returns:
        What the service says of each, in order.

    Raises:
        AwsError: Some failed, by their own fault or each time; what was done stays.
    """
    done: dict[int, dict[str, Any]] = {}
    every = list(enumerate(entries))

    def chunks(pairs: Iterable[tuple[int, Entry]]) -> Iterator[list[tuple[int, Entry]]]:
        return chunked(pairs, lambda pair: size(pair[1]), most_bytes, BATCH)

    for part in chunks(every) if in_order else [every]:
        left = part
        for attempt in range(_ATTEMPTS):
            failed: dict[int, Entry] = {}
            for chunk in chunks(left):
                check_cancelled()
                answer = ask([{"Id": str(number), **entry} for number, entry in chunk])
                done.update({int(each["Id"]): each for each in answer.get("Successful", ())})
                failed.update({int(each["Id"]): each for each in answer.get("Failed", ())})
            left = [(number, entry) for number, entry in left if number in failed]
            if not left:
                break
            wrong = [each for each in failed.values() if each.get("SenderFault")]
            if wrong or attempt == _ATTEMPTS - 1:
                raise _refused(operation, failed, wrong, len(done), len(entries))
            sleep(0.2 * 2**attempt)
    return [done[number] for number in sorted(done)]


def _refused(
    operation: str, failed: Mapping[int, Entry], wrong: Sequence[Entry], done: int, count: int
) -> AwsError:
    first = min(failed)
    why = failed[first]
    numbers = ", ".join(str(number) for number in sorted(failed)[:BATCH])
    what = (
        f"{operation}: {len(failed)} of {count} failed (numbers {numbers}, "
        f"from 0); the first: {why.get('Code')}: {why.get('Message', '')}".rstrip(": ")
        + "."
    )
    fix = "Mend those; the others are done." if wrong else "Try those again later."
    waiting = count - done - len(failed)
    if waiting:
        what += f" The last {waiting} were not asked for, to keep the order."
        fix = f"{'Mend' if wrong else 'Try'} those, and go on with the last {waiting}."
    error = AwsError(what, fix=fix)
    error.code = str(why.get("Code", ""))
    return error


def one_each(ids: Sequence[str] | None, count: int) -> list[str | None]:
    """Return an id for each message, or None for each.

    Raises:
        InvalidArguments: There are not as many.
    """
    if ids is None:
        return [None] * count
    if len(ids) != count:
        raise InvalidArguments(
            f"There are {count} messages and {len(ids)} deduplication ids.",
            fix="Give one for each message, or none.",
        )
    return list(ids)


def chunked(
    items: Iterable[T], size: Callable[[T], int], most_bytes: int, most: int
) -> Iterator[list[T]]:
    """Give the items in parts that are small enough, in order; one too large goes alone.

    Args:
        items: What is parted.
        size: How many bytes an item counts for.
        most_bytes: How many bytes a part may have.
        most: How many items a part may have.
    """
    chunk: list[T] = []
    used = 0
    for item in items:
        more = size(item)
        if chunk and (len(chunk) == most or used + more > most_bytes):
            yield chunk
            chunk, used = [], 0
        chunk.append(item)
        used += more
    if chunk:
        yield chunk
