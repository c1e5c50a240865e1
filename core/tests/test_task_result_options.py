"""Options about results, which are for engines: what no engine could follow is refused at once."""

from typing import Any

import pytest

from brickwork import LocalStorage, TaskError, task


def load(day: str, *, n: int = 1) -> str:
    """Do nothing much."""
    return day * n


@pytest.mark.parametrize(
    "options",
    [
        {"persist_result": True},
        {"persist_result": None, "result_serializer": "json|zstd|aes256gcm"},
        {"result_storage": "aws-s3-bucket/reports"},
        {"result_storage": LocalStorage(root="/tmp/x")},
        {"result_storage_key": "{flow_run.name}/{parameters[day]:>3}-{task_run.id}{{}}.json"},
        {"result_storage_key": "report.json"},
    ],
)
def test_what_engines_know_is_taken(options: Any) -> None:
    """The options make a task, which runs as before without an engine."""
    assert task(load).with_options(**options)("a", n=2) == "aa"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"persist_result": "yes"}, "persist_result cannot be this str"),
        ({"persist_result": False, "result_serializer": "json"}, "persist_result=False, and"),
        ({"result_storage": 7}, "result_storage cannot be this int"),
        ({"result_serializer": "JSON"}, "result_serializer cannot be"),
        ({"result_serializer": "json|"}, "result_serializer cannot be"),
        ({"result_serializer": object()}, "result_serializer cannot be this object"),
        ({"result_storage_key": ""}, "result_storage_key cannot be"),
        ({"result_storage_key": "a{"}, "no template"),
        ({"result_storage_key": "{parameters[nil]}"}, "the parameter 'nil'"),
        ({"result_storage_key": "{day}"}, "cannot use {day}"),
        ({"result_storage_key": "{parameters[day].__class__}"}, "cannot use"),
        ({"result_storage_key": "{flow_run.parameters}"}, "cannot use"),
        ({"result_storage_key": "{parameters[day]:{parameters[n]}}"}, "cannot use"),
    ],
)
def test_what_no_engine_can_follow_is_refused(options: Any, words: str) -> None:
    """A wrong option is a TaskError when the task is made, and says what there is instead."""
    with pytest.raises(TaskError, match=words.replace("{", r"\{")) as caught:
        task(load).with_options(**options)
    assert caught.value.fix
