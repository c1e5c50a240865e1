"""Whatever stands in an export, reading and planning raise only errors with a type."""

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from brickwork import BrickworkError, Vault
from brickwork.importing import Entry, airflow, apply_import, plan_import, prefect

SCALE = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1"))
DATA = Path(__file__).parent / "importing_data"
DOCUMENTS = json.loads((DATA / "prefect.json").read_text())
CONNECTIONS = json.loads((DATA / "airflow.json").read_text())

pytestmark = [
    pytest.mark.attack,
    pytest.mark.filterwarnings("ignore::brickwork.MaskingWarning"),  # short ones are found too
]

FUZZ = settings(
    max_examples=60 * SCALE**2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["${env:HOME}", "{{ x }}", "********", "a://b://c", "postgres://u:p@h:1/d", "[", "{}", "~"]
    ),
)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            found += _places(item, (*path, key))
    return found


@st.composite
def _changed(draw: st.DrawFn, originals: list[Any]) -> Any:
    """Draw one of the recorded values with something else in some of its places."""
    value = copy.deepcopy(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 3))):
        places = _places(value)
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        holder = value
        for step in way:
            holder = holder[step]
        if draw(st.booleans()):
            holder[last] = draw(_JSON)
        else:
            del holder[last]
    return value


def attempt(vault: Vault, entries: Callable[[], list[Entry]]) -> None:
    """Plan and save what was read; whatever is wrong with it has a type."""
    before = {str(document.address) for document in vault.documents()}
    try:
        plan = plan_import(vault, "fuzz", entries(), overwrite=True)
    except BrickworkError:
        return
    try:
        apply_import(vault, plan)
    except BrickworkError:
        assert {str(document.address) for document in vault.documents()} == before
        return
    for row in plan.rows:
        assert row.action in ("create", "update", "same", "conflict", "cannot map")
        if row.action == "create":
            vault.load(row.address)


# A trimmed document: what the importer never looks at is most of a recorded one.
_TRIMMED = [
    {
        **{key: document[key] for key in ("id", "name", "data", "block_document_references")},
        "block_type": {"slug": document["block_type"]["slug"]},
        "block_schema": {"fields": {"secret_fields": ["value", "keys.*", "connection.password"]}},
    }
    for document in DOCUMENTS
]


@FUZZ
@given(documents=st.lists(_changed(_TRIMMED), max_size=4), as_settings=st.booleans())
def test_changed_documents_of_prefect(
    memory_vault: Vault, documents: list[Any], as_settings: bool
) -> None:
    """Recorded documents with other things in their places."""
    text = json.dumps(documents).encode()
    attempt(
        memory_vault,
        lambda: prefect.entries_of(prefect.read_documents(text, "it"), settings=as_settings),
    )


@FUZZ
@given(value=_JSON, as_settings=st.booleans())
def test_any_json_for_prefect(memory_vault: Vault, value: Any, as_settings: bool) -> None:
    """An array of anything."""
    text = json.dumps([value, value]).encode()
    attempt(
        memory_vault,
        lambda: prefect.entries_of(prefect.read_documents(text, "it"), settings=as_settings),
    )


@FUZZ
@given(
    connections=st.dictionaries(
        st.text(max_size=12), _changed(list(CONNECTIONS.values())), max_size=3
    ),
    as_settings=st.booleans(),
)
def test_changed_connections_of_airflow(
    memory_vault: Vault, connections: dict[str, Any], as_settings: bool
) -> None:
    """Recorded connections with other things in their places."""
    text = json.dumps(connections).encode()
    attempt(
        memory_vault,
        lambda: airflow.entries_of(
            airflow.read_connections(text, "json", "it"), settings=as_settings
        ),
    )


_URIS = [
    line.partition("=")[2] for line in (DATA / "airflow-uri.env").read_text().splitlines() if line
]


@st.composite
def _uri(draw: st.DrawFn) -> str:
    """Draw a recorded URI with other characters in some of its places."""
    text = draw(st.sampled_from(_URIS))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        new = draw(st.sampled_from(["", "%", "@", ":", "/", "?", "#", "[", "]", "://", "\u00e9"]))
        text = text[:at] + new + text[at + draw(st.integers(0, 2)) :]
    return text


@FUZZ
@given(uri=_uri(), as_settings=st.booleans())
def test_changed_uris_of_airflow(memory_vault: Vault, uri: str, as_settings: bool) -> None:
    """Recorded URIs with other characters in their places."""
    attempt(memory_vault, lambda: airflow.entries_of({"c": uri}, settings=as_settings))


@FUZZ
@given(data=st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)))
@pytest.mark.parametrize("form", ["json", "yaml", "env"])
def test_any_bytes_for_airflow(memory_vault: Vault, form: Any, data: bytes) -> None:
    """Files of anything."""
    attempt(memory_vault, lambda: airflow.entries_of(airflow.read_connections(data, form, "it")))
