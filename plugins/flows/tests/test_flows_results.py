"""Results of runs: what is kept of them, and that secrets in them are kept encrypted."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from brickwork import Secret, SecretBlock
from brickwork_flows import flow, task
from brickwork_flows.errors import MissingResult
from brickwork_flows.result_settings import ResultSettings
from brickwork_flows.results import INLINE_BYTES, SEALING, keep, restore
from brickwork_flows.runtime import Runtime

SENTINEL = "sentinel-Zq81-result-7c2f"

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=20,
)


def files_below(folder: Path) -> bytes:
    """Return the bytes of every file in a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@settings(max_examples=150, deadline=None)
@given(value=VALUES)
def test_any_value_comes_back(value: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What was kept is given back as it was, with its types."""
    folder = tmp_path_factory.mktemp("results")
    back = restore(keep("run", value, ResultSettings(folder)))

    assert back == value
    assert type(back) is type(value)


def test_large_results_are_in_files(runtime: Runtime) -> None:
    """What is larger than some kilobytes is in a file, and comes back from there."""
    value = ["x" * 100] * (INLINE_BYTES // 50)

    @flow
    def main() -> list[str]:
        return value

    assert main() == value
    runtime.flush()
    kept = runtime.history.result(runtime.history.runs()[0].id)

    assert kept is not None
    assert kept.data is None
    assert restore(kept) == value
    assert list(runtime.place.results.iterdir())


@pytest.mark.parametrize("size", [1, 5000])
@pytest.mark.parametrize("wrap", [str, lambda text: {"token": [text]}], ids=["text", "nested"])
def test_known_secrets_are_kept_encrypted(wrap: Any, size: int, runtime: Runtime) -> None:
    """A result that holds a secret is in no file in clear, and comes back whole with the vault."""
    SecretBlock(value=SENTINEL).save("token")
    value = wrap(SENTINEL + " x" * size)

    @task
    def log_in() -> Any:
        return wrap(SecretBlock.load("token").value.reveal() + " x" * size)

    @flow
    def main() -> Any:
        return log_in()

    assert main() == value
    runtime.flush()
    kept = runtime.history.result(runtime.history.runs()[0].id)

    assert kept is not None
    assert kept.chain.endswith(SEALING)
    assert restore(kept) == value
    runtime.close()
    found = files_below(runtime.place.folder)
    assert found
    assert SENTINEL.encode() not in found


def test_sealed_result_without_its_vault(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has the history but not the vault is told so, and sees nothing."""
    SecretBlock(value=SENTINEL).save("token")
    kept = keep("run", SENTINEL, ResultSettings(tmp_path))
    monkeypatch.setenv("BRICKWORK_HOME", str(tmp_path / "elsewhere"))

    with pytest.raises(MissingResult, match="cannot be read") as caught:
        restore(kept)
    assert SENTINEL not in str(caught.value)


def test_result_is_not_kept_where_it_cannot_be_encrypted(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a key for it the flow completes, and its state says that the result is not kept."""
    monkeypatch.setenv("BRICKWORK_KEY", "not-a-key")
    secret = Secret(SENTINEL)

    @flow
    def main() -> str:
        return secret.reveal()

    assert main() == SENTINEL
    runtime.flush()
    record = runtime.history.runs()[0]

    assert runtime.history.result(record.id) is None
    assert record.state.message.startswith("its result is not kept: ")
