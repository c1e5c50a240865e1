"""Segments of a table, scanned at once."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextvars import copy_context
from threading import Event
from typing import Any

from brickwork_aws.dynamodb.table import Item, Table


def scan_segments(
    table: Table, parameters: Mapping[str, Any], segments: int, limit: int | None
) -> list[Item]:
    """Return the items of a table, each segment read by a thread of its own.

    The others stop between two pages once one fails, enough are found, or the task is cancelled.
    """
    found: list[Item] = []
    over = Event()

    def read(segment: int) -> None:
        part = {**parameters, "Segment": segment, "TotalSegments": segments}
        for items in table.pages("scan", part):
            found.extend(items)  # one step: no other thread comes between
            if over.is_set() or (limit is not None and len(found) >= limit):
                return

    with ThreadPoolExecutor(segments, thread_name_prefix="brickwork-dynamodb") as threads:
        done = [threads.submit(copy_context().run, read, each) for each in range(segments)]
        try:
            for each in as_completed(done):
                each.result()
        finally:
            over.set()
    return found[:limit]
