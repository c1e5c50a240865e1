"""Where and how results are kept: the options of flows and tasks, and what they inherit."""

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from brickwork import (
    BlockNotFound,
    KeyNotFound,
    LocalStorage,
    ObjectInfo,
    Secret,
    SecretBlock,
    Storage,
    UnsupportedType,
    open_serializer,
    open_storage,
)
from brickwork_flows import INPUTS, flow, get_run, resume, task
from brickwork_flows.errors import InvalidFlow, MissingResult
from brickwork_flows.history.events import ResultKept
from brickwork_flows.results import INLINE_BYTES, restore
from brickwork_flows.runtime import Runtime

LARGE = "x" * (INLINE_BYTES + 1)


class Odd(set[int]):
    """Something that JSON does not take, and pickle does."""


def kept_of(runtime: Runtime, key: str = "") -> ResultKept:
    """Return where the newest run's result is, or that of a task in it."""
    runtime.flush()
    newest = runtime.history.runs(limit=1)[0].id
    found = runtime.history.result(f"{newest}.{key}" if key else newest)
    assert found is not None
    return found


# Storages


@pytest.mark.parametrize("how", ["url", "storage", "unsaved block", "saved block", "address"])
def test_storage_is_what_open_storage_takes(how: str, runtime: Runtime, tmp_path: Path) -> None:
    """Each way to name a storage puts results there, and what is recorded leads there again."""
    place = tmp_path / "some place"
    block = LocalStorage(root=place)
    if how in ("saved block", "address"):
        block.save("results")
    storages: dict[str, object] = {
        "url": f"file:{place}".replace(" ", "%20"),
        "storage": open_storage(f"file:{place}".replace(" ", "%20")),
        "address": "local-storage/results",
    }

    @task
    def load() -> str:
        return LARGE

    @flow(result_storage=storages.get(how, block))
    def main() -> str:
        return load()

    assert main() == LARGE
    for key in ("", "load-0"):
        kept = kept_of(runtime, key)
        assert restore(kept) == LARGE
        assert (place / str(kept.storage_key)).is_file()
        if how in ("saved block", "address"):
            assert kept.url == "local-storage/results@1"


def test_result_is_read_by_the_version_that_wrote_it(runtime: Runtime, tmp_path: Path) -> None:
    """A block that was changed since does not hide older results; one pruned away falls back."""
    LocalStorage(root=tmp_path / "old").save("results")

    @flow(result_storage="local-storage/results")
    def main() -> str:
        return LARGE

    main()
    kept = kept_of(runtime)
    LocalStorage(root=tmp_path / "new").save("results", overwrite=True)
    assert restore(kept) == LARGE

    (tmp_path / "old").rename(tmp_path / "moved")
    LocalStorage(root=tmp_path / "moved").save("results", overwrite=True, keep=1)
    assert restore(kept) == LARGE


def test_small_results_stay_in_the_history(runtime: Runtime, tmp_path: Path) -> None:
    """A storage that is named is for larger results; small ones are in the history all the same."""

    @flow(result_storage=f"file:{tmp_path / 'place'}")
    def main() -> dict[str, int]:
        return {"rows": 1}

    main()

    assert kept_of(runtime).data is not None
    assert not (tmp_path / "place").exists()


def test_environment_names_the_storage(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BRICKWORK_RESULTS counts for flows that name no storage, and not for those that do."""
    monkeypatch.setenv("BRICKWORK_RESULTS", f"file:{tmp_path / 'around'}")

    @flow
    def main() -> str:
        return LARGE

    main()
    assert kept_of(runtime).url == f"file://{tmp_path / 'around'}"
    main.with_options(result_storage=f"file:{tmp_path / 'own'}")()
    assert kept_of(runtime).url == f"file://{tmp_path / 'own'}"


def test_options_are_inherited(runtime: Runtime, tmp_path: Path) -> None:
    """Tasks and flows take what the flow around says, each option for itself, or say otherwise."""

    @task
    def plain() -> str:
        return LARGE

    @task(result_serializer="json|gzip")
    def packed() -> str:
        return LARGE

    @flow(result_storage=f"file:{tmp_path / 'inner'}")
    def inner() -> str:
        return plain()

    @flow(result_storage=f"file:{tmp_path / 'outer'}", result_serializer="json|zstd")
    def main() -> str:
        return plain() + packed() + inner()

    main()

    found = {
        key: (kept.chain, Path(str(kept.url)).name)
        for key in ("plain-0", "packed-0", "inner-0", "inner-0/plain-0", "")
        for kept in [kept_of(runtime, key)]
    }
    assert found == {
        "plain-0": ("json|zstd", "outer"),
        "packed-0": ("json|gzip", "outer"),
        "inner-0": ("json|zstd", "inner"),
        "inner-0/plain-0": ("json|zstd", "inner"),
        "": ("json|zstd", "outer"),
    }


def test_persist_result_is_inherited_and_overridden(runtime: Runtime) -> None:
    """Nothing is kept below a flow that says so, but of the task that says otherwise."""

    @task
    def plain() -> int:
        return 1

    @task(persist_result=True)
    def kept() -> int:
        return 2

    @flow
    def inner() -> int:
        return plain()

    @flow(persist_result=False)
    def main() -> int:
        return plain() + kept() + inner()

    assert main() == 4
    runtime.flush()
    record = runtime.history.runs()[0]

    assert list(runtime.history.results(record.id)) == [f"{record.id}.kept-0"]


def test_result_that_must_be_kept_and_cannot_fails_the_task(runtime: Runtime) -> None:
    """With persist_result=True the run fails and says why; without it, it completes and says so."""

    @task
    def odd() -> object:
        return object()

    @flow
    def main(persist: bool | None) -> None:
        odd.with_options(persist_result=persist)()

    main(None)
    with pytest.raises(UnsupportedType):
        main(True)
    runtime.flush()
    states = [
        runtime.history.children(each.id)[0].state for each in reversed(runtime.history.runs())
    ]

    assert [state.type.value for state in states] == ["completed", "failed"]
    assert "its result is not kept: " in states[0].message
    assert "does not know the type object" in states[1].message


# Wrong options


class Elsewhere(Storage):
    """A storage that no URL opens."""

    url = "elsewhere:"

    def open_read(self, key: str) -> Any:
        raise KeyNotFound("nothing")

    def open_write(self, key: str, *, if_absent: bool = False) -> Any:
        raise NotImplementedError

    def delete(self, key: str) -> None:
        raise NotImplementedError

    def stat(self, key: str) -> ObjectInfo:
        raise NotImplementedError

    def keys(self, prefix: str = "") -> Any:
        return iter(())


class Guarded(LocalStorage):
    """A storage block with a secret."""

    slug = "test-guarded"
    password: Secret[str]

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)

    __hash__ = LocalStorage.__hash__


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"persist_result": 1}, "persist_result of main is a int"),
        ({"result_storage": 7}, "is a int, and no storage"),
        ({"result_storage": "no address"}, "is not an address"),
        ({"result_storage": "nosuch://bucket"}, "nosuch"),
        ({"result_storage": "file://host/folder"}, "names a host"),
        ({"result_storage": Elsewhere()}, "that its URL does not open"),
        ({"result_serializer": "jsn"}, "jsn"),
        ({"result_serializer": "aes256gcm|json"}, "comes last"),
        ({"result_serializer": b"json"}, "is a bytes, and no text"),
    ],
    ids=lambda each: "" if isinstance(each, str) else repr(each)[:40],
)
def test_wrong_options_are_refused_when_the_flow_is_defined(options: Any, words: str) -> None:
    """What cannot be used is an InvalidFlow that names it, before anything runs."""
    with pytest.raises(InvalidFlow, match=words) as caught:

        @flow(**options)
        def main() -> None:
            """Do nothing."""

    assert caught.value.fix


def test_unsaved_block_with_secrets_is_refused(tmp_path: Path) -> None:
    """A block that could not be found again is refused, with what to do, and shows no secret."""
    block = Guarded(root=tmp_path, password="sentinel-8361-guarded")
    with pytest.raises(InvalidFlow, match="test-guarded that is not saved") as caught:
        flow(name="main", result_storage=block)(lambda: None)

    assert "block.save(" in caught.value.fix
    assert "sentinel" not in str(caught.value)


def test_known_secret_in_a_url_is_refused() -> None:
    """A URL is recorded with every run, so none may hold a secret."""
    secret = Secret("sentinel-5512-url")
    with pytest.raises(InvalidFlow, match="has a secret in it") as caught:
        flow(name="main", result_storage=f"memory:{secret.reveal()}")(lambda: None)
    assert secret.reveal() not in str(caught.value)


def test_storage_that_is_not_saved_stops_the_run_before_it_begins(runtime: Runtime) -> None:
    """A vault is looked into when the flow is called: then, and not when a result is large."""
    ran = []

    @flow(result_storage="local-storage/nowhere")
    def main() -> None:
        ran.append(1)

    with pytest.raises(BlockNotFound):
        main()
    assert not ran


# Serializers


def test_pickle_is_read_where_the_flow_says_so(runtime: Runtime) -> None:
    """The chain is the flow's consent: a resumed run reads the pickle, anybody else is refused."""
    SecretBlock(value="makes the vault").save("first")
    RAN.clear()
    with pytest.raises(RuntimeError):
        pickles()
    kept = kept_of_task(runtime, "make_odd-0")

    assert kept.chain == "pickle|zstd"
    with pytest.raises(MissingResult, match="can run code") as caught:
        restore(kept)
    assert "allow_pickle=True" in caught.value.fix
    assert restore(kept, allow_pickle=True) == Odd({1})
    assert resume(runtime.history.runs()[0].id) == Odd({1})
    assert RAN == ["make_odd", "body", "body"]


RAN: list[str] = []


@task
def make_odd() -> Odd:
    """Return what JSON does not take."""
    RAN.append("make_odd")
    return Odd({1})


@flow(result_serializer="pickle|zstd")
def pickles() -> Odd:
    """Fail the first time, after the task."""
    found = make_odd()
    RAN.append("body")
    if RAN.count("body") == 1:
        raise RuntimeError("not yet")
    return found


def kept_of_task(runtime: Runtime, key: str) -> ResultKept:
    """Return where a task's result of the newest run is."""
    return kept_of(runtime, key)


def test_stored_pickle_of_somebody_else_is_never_loaded(runtime: Runtime, tmp_path: Path) -> None:
    """A pickle put under another key, or made elsewhere, is refused before it is loaded."""
    SecretBlock(value="makes the vault").save("first")
    place = open_storage(f"file:{tmp_path}")

    @task(result_serializer="pickle", result_storage=place, result_storage_key="{parameters[n]}")
    def make(n: int) -> Odd:
        return Odd({n})

    @flow
    def main() -> None:
        make(1)
        make(2)

    main()
    kept = kept_of(runtime, "make-0")
    assert restore(kept, allow_pickle=True) == Odd({1})
    place.write("1", place.read("2"))
    with pytest.raises(MissingResult, match="belongs to something else"):
        restore(kept, allow_pickle=True)


def test_cached_results_are_in_any_storage(runtime: Runtime, tmp_path: Path) -> None:
    """A cache hit reads what another run put into a storage, by that task's own chain."""
    SecretBlock(value="makes the vault").save("first")
    ran = []

    @task(cache_policy=INPUTS, result_serializer="pickle", result_storage=f"file:{tmp_path}/s")
    def make(n: int) -> Odd:
        ran.append(n)
        return Odd(range(n))

    @flow
    def main(n: int) -> int:
        return len(make(n))

    assert [main(9000), main(9000)] == [9000, 9000]
    assert ran == [9000]
    assert len(list((tmp_path / "s").iterdir())) == 1

    for path in (tmp_path / "s").iterdir():
        path.unlink()
    assert main(9000) == 9000
    assert ran == [9000, 9000]


def test_sealing_goes_with_any_chain(runtime: Runtime, tmp_path: Path) -> None:
    """A known secret is found before compression, and the result encrypted."""
    SecretBlock(value="sentinel-9923-zipped").save("token")

    @flow(result_serializer="json|zstd", result_storage=f"file:{tmp_path}/s")
    def main() -> list[str]:
        return [SecretBlock.load("token").value.reveal(), LARGE]

    value = main()
    kept = kept_of(runtime)

    assert kept.chain == "json|zstd|aes256gcm"
    assert restore(kept) == value


def test_tables_are_results(runtime: Runtime, tmp_path: Path) -> None:
    """A DataFrame is kept as a Parquet file in the envelope, and taken out as one."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"day": pandas.date_range("2026-01-01", periods=5000), "n": range(5000)}
    )

    @task(result_serializer="parquet", result_storage=f"file:{tmp_path}/s")
    def load() -> Any:
        return frame

    @flow
    def main() -> int:
        return len(load())

    main()
    runtime.flush()
    run = get_run(f"{runtime.history.runs()[0].id}.load-0")

    pandas.testing.assert_frame_equal(run.result(), frame)
    assert run.payload()[:4] == b"PAR1"
    assert len(list((tmp_path / "s").iterdir())) == 1


# Keys


@pytest.mark.parametrize("name", ["a/b", "..", "a\\b", "ä" * 200, "x" * 300], ids=len)
def test_result_of_a_task_of_any_name_is_kept(name: str, runtime: Runtime) -> None:
    """Larger results of tasks within tasks, whatever they are called, all have their place."""

    @task(name=name)
    def inner(n: int) -> str:
        return LARGE + str(n)

    @task(name=name)
    def outer(n: int) -> str:
        return inner(n) + inner(n + 1)

    @flow
    def main() -> None:
        outer(1)
        outer(3)

    main()
    runtime.flush()
    found = runtime.history.results(runtime.history.runs()[0].id)

    assert len(found) == 7
    assert len({restore(kept) for kept in found.values()}) == 7


def test_key_is_a_template(runtime: Runtime, tmp_path: Path) -> None:
    """A result with a key is there whatever its size, and found by the chain and the key."""

    @task(result_storage_key="{flow_run.name}/{parameters[day]}-{task_run.name}.json")
    def load(day: date, n: int = 1) -> int:
        return n

    @flow(flow_run_name="nightly", result_storage=f"file:{tmp_path / 'place'}")
    def main() -> int:
        return load(date(2026, 11, 23))

    main()
    kept = kept_of(runtime, "load-0")
    key = "nightly/2026-11-23-load-0.json"

    assert kept.storage_key == key
    assert restore(kept) == 1
    with open_storage(str(kept.url)).open_read(key) as file:
        assert open_serializer("json").load(file, context=key.encode()) == 1


@pytest.mark.parametrize("day", ["../up", "a/../../b", "/etc", "", "a\0b", "x\\y"])
def test_key_does_not_leave_the_storage(day: str, runtime: Runtime, tmp_path: Path) -> None:
    """A parameter cannot lead out of the storage; the task does not even run."""
    ran = []

    @task(result_storage_key="{parameters[day]}", result_storage=f"file:{tmp_path / 'in'}")
    def load(day: str) -> int:
        ran.append(day)
        return 1

    @flow
    def main() -> int:
        return load(day)

    with pytest.raises(InvalidFlow, match="no storage key"):
        main()
    assert not ran


def test_key_has_no_secret_and_no_object(runtime: Runtime) -> None:
    """What is no plain value, or known as a secret, does not become part of a key."""
    secret = Secret("sentinel-4410-key")

    @task(result_storage_key="{parameters[what]}")
    def load(what: object) -> int:
        return 1

    @flow
    def main(n: int) -> int:
        return load([secret, secret.reveal()][n])

    for n in (0, 1):
        with pytest.raises(InvalidFlow) as caught:
            main(n)
        assert secret.reveal() not in str(caught.value)


def test_two_runs_that_write_one_key(runtime: Runtime, tmp_path: Path) -> None:
    """The last one wins, as documented; the first one's run gives back the newer result."""

    @task(result_storage_key="one", result_storage=f"file:{tmp_path}/s")
    def load(n: int) -> int:
        return n

    @flow
    def main() -> list[int]:
        return [load(1), load(2)]

    main()

    assert [restore(kept_of(runtime, f"load-{n}")) for n in (0, 1)] == [2, 2]


# In another process

PROGRAM = """
import sys
from brickwork_flows import use_history
from brickwork_flows.results import restore

with use_history(sys.argv[1]) as runtime:
    kept = runtime.history.result(runtime.history.runs()[0].id)
    print(len(restore(kept)))
"""


def test_another_process_finds_the_result(runtime: Runtime, tmp_path: Path) -> None:
    """What the history records is enough for a process that has never seen the flow."""
    LocalStorage(root=tmp_path / "place").save("results")

    @flow(result_storage="local-storage/results", result_serializer="json|zstd|aes256gcm")
    def main() -> str:
        return LARGE

    main()
    runtime.close()
    command = [sys.executable, "-c", PROGRAM, str(runtime.place.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == f"{len(LARGE)}\n"
