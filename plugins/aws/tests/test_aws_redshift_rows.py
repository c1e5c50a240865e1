"""What statements on Redshift give: moto has the same rows for all, so a Stubber gives them."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from botocore.stub import Stubber

from brickwork_aws import (
    AwsCredentials,
    RedshiftStatement,
    redshift_read_rows,
    redshift_read_table,
    redshift_wait_statement,
)

STUBBED = "redshift-data"
ID = "6f2cc74c-5c4b-4a5d-9bb9-0f1b6f5b1f0e"
STATEMENT = RedshiftStatement(ID)

COLUMNS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "small": ("int2", {"longValue": 7}, 7),
    "rows": ("int8", {"longValue": 9007199254740993}, 9007199254740993),
    "share": ("float8", {"doubleValue": 0.25}, 0.25),
    "price": ("numeric", {"stringValue": "12345678901234.10"}, Decimal("12345678901234.10")),
    "ok": ("bool", {"booleanValue": True}, True),
    "name": ("varchar", {"stringValue": ""}, ""),
    "day": ("date", {"stringValue": "2026-11-23"}, date(2026, 11, 23)),
    "clock": ("time", {"stringValue": "10:35:00.25"}, time(10, 35, 0, 250000)),
    "zoned": ("timetz", {"stringValue": "10:35:00+00"}, time(10, 35, tzinfo=UTC)),
    "at": (
        "timestamp",
        {"stringValue": "2026-11-23 10:00:00.31869"},
        datetime(2026, 11, 23, 10, 0, 0, 318690),
    ),
    "seen": (
        "timestamptz",
        {"stringValue": "2026-11-23 10:00:00"},
        datetime(2026, 11, 23, 10, tzinfo=UTC),
    ),
    "tags": ("super", {"stringValue": '{"team":["a"]}'}, {"team": ["a"]}),
    "area": ("geometry", {"stringValue": "0103"}, "0103"),
    "key": ("varbyte", {"blobValue": b"\x01"}, b"\x01"),
    "none": ("int4", {"isNull": True}, None),
}


def result(*records: list[dict[str, Any]], token: str | None = None) -> dict[str, Any]:
    """Return a page of a result with `COLUMNS`."""
    described = [
        {"name": "x", "label": name, "typeName": kind, "precision": 18, "scale": 2}
        for name, (kind, _, _) in COLUMNS.items()
    ]
    more = {"NextToken": token} if token else {}
    return {"Records": list(records), "ColumnMetadata": described, **more}


def test_rows_come_page_by_page_with_their_types(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """By the label of the column; no more pages are asked for than the limit needs."""
    record = [field for _, field, _ in COLUMNS.values()]
    row = {name: value for name, (_, _, value) in COLUMNS.items()}
    stubbed.add_response("get_statement_result", result(record, record, token="1"), {"Id": ID})
    stubbed.add_response("get_statement_result", result(record), {"Id": ID, "NextToken": "1"})
    assert redshift_read_rows(s3_credentials, STATEMENT) == [row] * 3

    stubbed.add_response("get_statement_result", result(record, record, token="1"))
    assert redshift_read_rows(s3_credentials, STATEMENT, limit=1) == [row]


def test_a_table_has_the_types_of_the_columns(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Also where it has no rows, or only NULL in a column."""
    pa = pytest.importorskip("pyarrow")
    record = [field for _, field, _ in COLUMNS.values()]
    stubbed.add_response("get_statement_result", result(record))
    stubbed.add_response("get_statement_result", result())
    table = redshift_read_table(s3_credentials, STATEMENT)
    empty = redshift_read_table(s3_credentials, STATEMENT)
    schema = {each.name: each.type for each in table.schema}
    assert schema.pop("key") == pa.binary()  # of a type that is not known, by its values
    assert schema == {
        "small": pa.int16(),
        "rows": pa.int64(),
        "share": pa.float64(),
        "price": pa.decimal128(18, 2),
        "ok": pa.bool_(),
        "name": pa.string(),
        "day": pa.date32(),
        "clock": pa.time64("us"),
        "zoned": pa.string(),
        "at": pa.timestamp("us"),
        "seen": pa.timestamp("us", "UTC"),
        "tags": pa.string(),
        "area": pa.string(),
        "none": pa.int32(),
    }
    assert {each.name: each.type for each in empty.schema if each.name != "key"} == schema
    wanted = {name: value for name, (_, _, value) in COLUMNS.items()}
    wanted |= {"tags": '{"team": ["a"]}', "zoned": "10:35:00+00:00"}
    assert table.to_pylist() == [wanted]
    assert empty.num_rows == 0


def test_a_column_that_arrow_cannot_hold_is_one_of_texts(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Such as one with a date before the year 1; the others keep their types."""
    pa = pytest.importorskip("pyarrow")
    stubbed.add_response(
        "get_statement_result",
        {
            "Records": [
                [{"stringValue": "0044-03-15 BC"}, {"longValue": 1}],
                [{"stringValue": "2026-11-23"}, {"isNull": True}],
                [{"isNull": True}, {"isNull": True}],
            ],
            "ColumnMetadata": [
                {"name": "day", "typeName": "date"},
                {"name": "a", "typeName": "int4"},
            ],
        },
    )
    table = redshift_read_table(s3_credentials, STATEMENT)
    assert table.schema.types == [pa.string(), pa.int32()]
    assert table["day"].to_pylist() == ["0044-03-15 BC", "2026-11-23", None]


def test_a_statement_without_rows_gives_none(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Redshift would say that there is no result; it is not asked. -1 is what it does not know."""
    pytest.importorskip("pyarrow")
    stubbed.add_response(
        "describe_statement", {"Id": ID, "Status": "FINISHED", "ResultRows": -1, "ResultSize": -1}
    )
    ended = redshift_wait_statement(s3_credentials, STATEMENT)
    assert (ended.rows, ended.result_bytes) == (None, None)
    assert redshift_read_rows(s3_credentials, ended) == []
    assert redshift_read_table(s3_credentials, ended).num_columns == 0
    stubbed.assert_no_pending_responses()


def test_columns_of_one_name_are_kept_apart(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """As a join gives them; no value is lost."""
    names = ["id", "id", "id_2", ""]
    stubbed.add_response(
        "get_statement_result",
        {
            "Records": [[{"longValue": number} for number in range(4)]],
            "ColumnMetadata": [{"name": name, "typeName": "int4"} for name in names],
        },
    )
    rows = redshift_read_rows(s3_credentials, STATEMENT)
    assert rows == [{"id": 0, "id_2": 1, "id_2_2": 2, "": 3}]
