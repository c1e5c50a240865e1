"""Artifacts: what is kept, for which run, under which version, and what is refused."""

import asyncio
import datetime
import math
import multiprocessing
import string
import threading
import zlib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from brickwork import Secret, mask
from brickwork_flows import (
    ProcessRunner,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    aupdate_progress_artifact,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    flow,
    get_artifact,
    list_artifacts,
    resume,
    task,
    update_progress_artifact,
    use_history,
)
from brickwork_flows.artifacts import Table, keeping
from brickwork_flows.artifacts.records import MAX_BYTES
from brickwork_flows.errors import ArtifactNotFound, EntryConflict, HistoryError, InvalidArtifact
from brickwork_flows.history.interface import Entry
from brickwork_flows.history.sqlite import SqliteHistory
from brickwork_flows.runtime import Runtime

SENTINEL = "Kq9-sentinel-of-artifacts-7f"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))

SLOW = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def newest(runtime: Runtime) -> str:
    """Return the id of the newest run of a flow."""
    runtime.flush()
    return runtime.history.runs()[0].id


def names(runtime: Runtime) -> list[str]:
    """Return what the newest run has made, in order, and by which of its runs."""
    run = newest(runtime)
    return [f"{each.name} by {(each.run or '')[27:] or 'flow'}" for each in list_artifacts(run=run)]


# What comes back


text = st.text(st.characters(exclude_categories=[]), max_size=200)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
) | text


@SLOW
@given(content=text)
def test_markdown_comes_back(runtime: Runtime, content: str) -> None:
    """Any text is read as it was written, also half of a character."""
    artifact = get_artifact(create_markdown_artifact(content, "any", "a text"))
    assert (artifact.read(), artifact.type, artifact.key) == (content, "markdown", "any")
    assert artifact.description == "a text"
    assert artifact.run is None


@SLOW
@given(
    columns=st.lists(text, min_size=1, max_size=4, unique=True),
    rows=st.lists(st.lists(scalars, min_size=4, max_size=4), max_size=4),
)
def test_tables_come_back_from_each_form(
    runtime: Runtime, columns: list[str], rows: list[list[Any]]
) -> None:
    """A list of dicts, a dict of lists and a list of lists give the same table."""
    rows = [row[: len(columns)] for row in rows]
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    by_column = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    read = get_artifact(create_table_artifact(by_column)).read()
    assert read == Table(columns, rows)
    assert read.records() == records
    if rows:
        assert get_artifact(create_table_artifact(records)).read() == read
        numbered = get_artifact(create_table_artifact(rows)).read()
        assert numbered == Table([str(i) for i in range(len(columns))], rows)


def test_cells_that_json_has_not(runtime: Runtime) -> None:
    """NaN is no value; dates are ISO; what else there is stands there as its text."""
    day = datetime.date(2026, 11, 23)
    rows = [{"a": math.nan, "b": day, "c": Decimal("1.50"), "d": (1, {2: day})}, {"e": math.inf}]
    read = get_artifact(create_table_artifact(rows)).read()
    assert read == Table(
        ["a", "b", "c", "d", "e"],
        [
            [None, "2026-11-23", "1.50", [1, {"2": "2026-11-23"}], None],
            [None, None, None, None, "inf"],
        ],
    )


def test_tables_of_pandas(runtime: Runtime) -> None:
    """An index that has a name is a column; what is missing is no value."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"n": [1, 2], "x": [0.5, None], "at": [pandas.Timestamp(0)] * 2})
    read = get_artifact(create_table_artifact(frame)).read()
    at = "1970-01-01T00:00:00"
    assert read == Table(["n", "x", "at"], [[1, 0.5, at], [2, None, at]])
    indexed = get_artifact(create_table_artifact(frame.set_index(["n", "x"]))).read()
    assert indexed == read
    missing = pandas.DataFrame({"a": [pandas.NA, pandas.NaT]}, index=["u", "v"])
    assert get_artifact(create_table_artifact(missing)).read() == Table(["a"], [[None], [None]])


def test_tables_of_polars_and_pyarrow(runtime: Runtime) -> None:
    """Tables of polars and pyarrow are taken as they are."""
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    columns = {"a": [1, None], "b": ["x", "y"]}
    for made in (polars.DataFrame(columns), pyarrow.table(columns)):
        read = get_artifact(create_table_artifact(made)).read()
        assert read == Table(["a", "b"], [[1, "x"], [None, "y"]])


@pytest.mark.parametrize("table", ["text", b"x", 3, None, [1], ["row"], {"a": "xy"}, {"a": 1}])
def test_what_is_no_table(runtime: Runtime, table: Any) -> None:
    """What is no table is refused, with the forms that are."""
    with pytest.raises(InvalidArtifact, match=r"cannot be used: .* is a") as caught:
        create_table_artifact(table)
    assert "list of dicts" in caught.value.fix


def test_columns_of_different_lengths(runtime: Runtime) -> None:
    """Columns that differ in length are no table."""
    with pytest.raises(InvalidArtifact, match="differ in length"):
        create_table_artifact({"a": [1], "b": []})


def test_links(runtime: Runtime) -> None:
    """A link has its text, or shows itself."""
    url = "https://data.example/a?b=1#c"
    assert get_artifact(create_link_artifact(url)).read() == {"link": url, "link_text": url}
    named = get_artifact(create_link_artifact("../report.html", "The [report]", "report"))
    assert named.read() == {"link": "../report.html", "link_text": "The [report]"}


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "JavaScript:x", "vbscript:x", "data:text/html,x", "", "a b",
             " javascript:x", "java\nscript:x", "\x01javascript:x", "http://x\x1b[2J"],
)  # fmt: skip
def test_links_that_are_refused(runtime: Runtime, link: str) -> None:
    """What a browser would run, or a terminal obey, is no link, and no image."""
    for create in (create_link_artifact, create_image_artifact):
        with pytest.raises(InvalidArtifact, match="no URL that could be shown"):
            create(link)


def test_images_are_kept(runtime: Runtime, tmp_path: Path) -> None:
    """An image from bytes or a file is kept itself; one by URL is not fetched."""
    file = tmp_path / "plot.png"
    file.write_bytes(PNG)
    for given_image in (PNG, bytearray(PNG), file, str(file)):
        artifact = get_artifact(create_image_artifact(image=given_image, key="plot"))
        assert (artifact.read(), artifact.media_type, artifact.size) == (
            PNG,
            "image/png",
            len(PNG),
        )
    file.unlink()
    assert get_artifact("plot").read() == PNG
    linked = get_artifact(create_image_artifact("https://img.example/x.png"))
    assert linked.read() == {"image_url": "https://img.example/x.png"}
    assert linked.media_type == ""


@pytest.mark.parametrize(
    ("beginning", "media_type"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"BM", "image/bmp"),
        (b"II*\x00", "image/tiff"),
        (b"<svg xmlns='x'><script>alert(1)</script></svg>", "image/svg+xml"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg/>", "image/svg+xml"),
    ],
)
def test_images_are_told_by_their_content(
    runtime: Runtime, beginning: bytes, media_type: str
) -> None:
    """What an image is, its first bytes say."""
    assert get_artifact(create_image_artifact(image=beginning)).media_type == media_type


def test_what_is_no_image(runtime: Runtime, tmp_path: Path) -> None:
    """Other content, a file that is not there, both or nothing: errors that say so."""
    for content in (b"", b"<html><svg></html>", b"%PDF-1.7", b"text"):
        with pytest.raises(InvalidArtifact, match="no image that is known"):
            create_image_artifact(image=content)
    with pytest.raises(InvalidArtifact, match="cannot be read: no such file"):
        create_image_artifact(image=tmp_path / "none.png")
    with pytest.raises(InvalidArtifact, match="one of both"):
        create_image_artifact()
    with pytest.raises(InvalidArtifact, match="one of both"):
        create_image_artifact("https://x.example", image=PNG)


def test_progress_is_changed_in_place(runtime: Runtime) -> None:
    """An update is no version; the description stays, or is the new one."""
    made = create_progress_artifact(0, "load", "files")
    assert update_progress_artifact(made, 40) == made
    first = get_artifact("load")
    assert (first.read(), first.version, first.description) == (40.0, 1, "files")
    update_progress_artifact(made, 100, "all files")
    last = get_artifact("load", 1)
    assert (last.read(), last.description, len(list_artifacts("load"))) == (100.0, "all files", 1)
    assert last.updated >= first.updated >= first.made == last.made


def test_wrong_progress(runtime: Runtime) -> None:
    """Only a percentage, and only of an artifact that shows one."""
    made = create_progress_artifact(0)
    for wrong in (-1, 100.5, math.nan, "x", None):
        with pytest.raises(InvalidArtifact, match="from 0 to 100"):
            update_progress_artifact(made, wrong)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(InvalidArtifact, match="shows no progress"):
        update_progress_artifact(create_markdown_artifact("x"), 3)
    with pytest.raises(ArtifactNotFound, match="no artifact 'outside/none'"):
        update_progress_artifact("outside/none", 3)


def test_descriptions_that_are_refused(runtime: Runtime) -> None:
    """A description is a text of at most 10,000 characters, also in an update."""
    made = create_progress_artifact(0, description="x" * 10_000)
    for wrong in ("x" * 10_001, 3):
        with pytest.raises(InvalidArtifact, match="description"):
            create_markdown_artifact("x", description=wrong)  # type: ignore[arg-type]  # on purpose
        with pytest.raises(InvalidArtifact, match="description"):
            update_progress_artifact(made, 1, wrong)  # type: ignore[arg-type]  # on purpose
    for number in (0, Decimal(1)):
        create_progress_artifact(number)  # type: ignore[arg-type]  # any number will do
    with pytest.raises(InvalidArtifact, match="The Markdown must be a text, and is a bytes"):
        create_markdown_artifact(b"x")  # type: ignore[arg-type]  # on purpose


# Keys and versions


@SLOW
@given(key=st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=255))
def test_keys_that_are_allowed(runtime: Runtime, key: str) -> None:
    """Lower-case letters, digits and dashes, up to 255 of them."""
    create_markdown_artifact("x", key)
    assert get_artifact(key).key == key


allowed = set(string.ascii_lowercase + string.digits + "-")


@SLOW
@given(key=st.text(max_size=300).filter(lambda key: not key or set(key) - allowed))
def test_keys_that_are_refused(runtime: Runtime, key: str) -> None:
    """Anything else is refused, with what is allowed."""
    with pytest.raises(InvalidArtifact, match="lower-case letters"):
        create_markdown_artifact("x", key)


def test_a_key_that_is_too_long(runtime: Runtime) -> None:
    """A key has at most 255 characters."""
    with pytest.raises(InvalidArtifact, match="1 to 255"):
        create_markdown_artifact("x", "a" * 256)


@SLOW
@given(st.lists(st.sampled_from(["a", "a-b", "a0", "b", "a-", "-"]), max_size=30))
def test_each_key_counts_for_itself(tmp_path_factory: Any, keys: list[str]) -> None:
    """Versions run from 1 for every key, also where one begins as another one."""
    with use_history(tmp_path_factory.mktemp("runs")) as runtime:
        for number, key in enumerate(keys):
            create_markdown_artifact(str(number), key)
        for key in set(keys):
            mine = [str(number) for number, each in enumerate(keys) if each == key]
            found = list_artifacts(key)
            assert [each.read() for each in found] == mine[::-1]
            assert [each.version for each in found] == list(range(len(mine), 0, -1))
            assert get_artifact(key, 1).read() == mine[0]
        assert sorted(each.name for each in list_artifacts()) == sorted(
            f"{key}@{keys.count(key)}" for key in set(keys)
        )
        runtime.history.close()


def test_what_is_not_there(runtime: Runtime) -> None:
    """A key, a version or an id that is not there is an error that names it."""
    create_markdown_artifact("x", "a")
    for name, version in (("b", None), ("a", 2), ("a", 0), ("a", -1), ("outside/x", None)):
        with pytest.raises(ArtifactNotFound, match=name):
            get_artifact(name, version)
    assert list_artifacts("b") == []


def _write_versions(folder: Path, number: int, ready: Any, go: Any) -> None:
    with use_history(folder) as runtime:
        ready.release()
        go.wait()
        for each in range(10):
            create_markdown_artifact(f"{number} {each}", "shared")
        runtime.history.close()


def test_eight_processes_write_one_key(tmp_path: Path) -> None:
    """Of 80 versions that 8 processes write at once, each has a number of its own; none is lost."""
    context: Any = multiprocessing.get_context("spawn")
    ready, go = context.Semaphore(0), context.Event()
    workers = [
        context.Process(target=_write_versions, args=(tmp_path, number, ready, go))
        for number in range(8)
    ]
    for worker in workers:
        worker.start()
    for _ in workers:
        assert ready.acquire(timeout=120)
    go.set()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 8
    with use_history(tmp_path) as runtime:
        found = list_artifacts("shared", limit=1000)
        assert [each.version for each in found] == list(range(80, 0, -1))
        assert {each.read() for each in found} == {f"{a} {b}" for a in range(8) for b in range(10)}
        runtime.history.close()


def test_a_kill_between_claim_and_content_leaves_no_version(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that was claimed and never written is passed over by who reads."""
    create_markdown_artifact("one", "report")
    put = SqliteHistory.put

    def killed(self: SqliteHistory, collection: str, *args: Any, **options: Any) -> Entry:
        if collection == keeping.ARTIFACTS:
            raise HistoryError("killed")
        return put(self, collection, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(SqliteHistory, "put", killed)
        with pytest.raises(HistoryError, match="killed"):
            create_markdown_artifact("two", "report")
    assert get_artifact("report").read() == "one"
    create_markdown_artifact("three", "report")
    assert [each.name for each in list_artifacts("report")] == ["report@3", "report@1"]


def test_versions_are_claimed_with_compare_and_set(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who finds a version taken takes the next one."""
    taken: list[str] = []
    put = SqliteHistory.put

    def slow(self: SqliteHistory, collection: str, key: str, *args: Any, **options: Any) -> Entry:
        if collection == keeping.KEYS and not taken:
            taken.append(key)
            put(self, collection, key, {"id": "outside/other"}, expected=0)
        return put(self, collection, key, *args, **options)

    monkeypatch.setattr(SqliteHistory, "put", slow)
    create_markdown_artifact("x", "report")
    assert [each.name for each in list_artifacts("report")] == ["report@2"]


# Sizes


def test_large_contents_are_files(runtime: Runtime) -> None:
    """What is larger than 16 KB, and every image, is a file beside the history."""
    large = create_markdown_artifact("x" * 20_000, "large")
    image = create_image_artifact(image=PNG)
    create_markdown_artifact("small")
    folder = runtime.place.folder / "artifacts"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {large, image}
    assert get_artifact("large").read() == "x" * 20_000
    assert runtime.place.database.stat().st_size < 200_000


def test_files_are_the_owners_alone(runtime: Runtime) -> None:
    """Also where the first thing that a history has is a file."""
    create_image_artifact(image=PNG)
    for folder in (runtime.place.folder, runtime.place.folder / "artifacts"):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A history that cannot be written is a typed error, and nothing is kept."""
    (tmp_path / "runs").write_text("in the way")
    with use_history(tmp_path / "runs"), pytest.raises(HistoryError, match="cannot be"):
        create_image_artifact(image=PNG)


def test_what_is_too_large(runtime: Runtime, tmp_path: Path) -> None:
    """More than 16 MiB is refused before anything is written."""
    big = tmp_path / "big.png"
    with big.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    creates: list[Callable[[], str]] = [
        lambda: create_markdown_artifact("x" * (MAX_BYTES + 1), "big"),
        lambda: create_table_artifact({"a": ["é" * (MAX_BYTES // 3)]}, "big"),
        lambda: create_image_artifact(image=PNG + bytes(MAX_BYTES), key="big"),
        lambda: create_image_artifact(image=big, key="big"),
    ]
    creates.append(lambda: create_image_artifact(image="/dev/zero", key="big"))
    for create in creates:
        with pytest.raises(InvalidArtifact, match="may have 16,777,216") as caught:
            create()
        assert "storage" in caught.value.fix
    assert list_artifacts() == []


def test_a_content_that_is_gone(runtime: Runtime) -> None:
    """A file that somebody removed is an error that says what to do."""
    made = create_image_artifact(image=PNG)
    (runtime.place.folder / "artifacts" / made).unlink()
    with pytest.raises(ArtifactNotFound, match=r"content of the artifact .* is gone") as caught:
        get_artifact(made).read()
    assert "artifact rm" in caught.value.fix


# Secrets


def everything(folder: Path) -> bytes:
    """Return all bytes of all files below a folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_known_secrets_never_stand_in_an_artifact(runtime: Runtime) -> None:
    """Texts, cells, columns, links, descriptions: a secret is hidden in each of them."""
    number = Secret("7205759403")
    Secret(SENTINEL)
    create_markdown_artifact(f"# {SENTINEL}", "a", f"with {SENTINEL}")
    create_markdown_artifact("x" * 20_000 + SENTINEL)
    create_table_artifact([{SENTINEL: 1, "b": [f"<{SENTINEL}>"], "c": int(number.reveal())}])
    create_link_artifact(f"https://x.example/?token={SENTINEL}", SENTINEL)
    create_image_artifact(f"https://x.example/?token={SENTINEL}", description=SENTINEL)
    update_progress_artifact(create_progress_artifact(0, "p", SENTINEL), 1, SENTINEL)
    kept = everything(runtime.place.folder)
    assert SENTINEL.encode() not in kept
    assert number.reveal().encode() not in kept
    assert get_artifact("a").read() == f"# {mask(SENTINEL)}"
    assert len(list(list_artifacts())) == 6


def test_secrets_that_cannot_be_hidden_are_refused(runtime: Runtime) -> None:
    """In a key, or inside an image, a secret is an error without it."""
    Secret("secret-as-a-key")
    Secret(SENTINEL)
    creates: list[Callable[[], str]] = [
        lambda: create_markdown_artifact("x", "a-secret-as-a-key"),
        lambda: create_image_artifact(image=PNG + SENTINEL.encode()),
    ]
    for create in creates:
        with pytest.raises(InvalidArtifact, match="holds a secret") as caught:
            create()
        assert SENTINEL not in str(caught.value)
    assert SENTINEL.encode() not in everything(runtime.place.folder)


# Runs


@task
def chart(number: int, fails: int = 0) -> str:
    """Make artifacts; break some times first."""
    create_markdown_artifact(f"# {number}", "chart")
    made = create_progress_artifact(0, f"part-{number}")
    update_progress_artifact(made, 50)
    create_image_artifact(image=PNG + bytes([number]))
    failed.setdefault(number, 0)
    if failed[number] < fails:
        failed[number] += 1
        raise OSError("no disk")
    update_progress_artifact(made, 100)
    return made


failed: dict[int, int] = {}


@pytest.fixture(autouse=True)
def no_failures() -> None:
    """Nothing has failed yet, and nothing is broken."""
    failed.clear()
    mended.clear()


def test_an_artifact_belongs_to_the_run_that_made_it(runtime: Runtime) -> None:
    """The flow's and the task's, also of a task in a thread, and of a flow in a flow."""

    @flow
    def inner() -> None:
        create_markdown_artifact("in", "inner")
        chart(2)

    @flow
    def outer() -> None:
        create_table_artifact([{"a": 1}], "rows")
        chart.submit(1).result()
        inner()

    outer()
    assert [name.partition(" by ")[2] for name in names(runtime)] == [
        "flow",
        *["chart-0"] * 3,
        "inner-0",
        *["inner-0/chart-0"] * 3,
    ]
    run = newest(runtime)
    assert [each.key for each in list_artifacts(run=f"{run}.inner-0")] == [
        "inner", "chart", "part-2", None,
    ]  # fmt: skip
    assert [each.version for each in list_artifacts("chart", run=run)] == [1, 2]


def test_async_tasks_make_artifacts(runtime: Runtime) -> None:
    """The async twins belong to the run that awaits them."""

    @task
    async def work(number: int) -> None:
        made = await acreate_progress_artifact(0, f"p-{number}")
        await acreate_markdown_artifact("x", f"m-{number}")
        await aupdate_progress_artifact(made, 100)

    @flow
    async def main() -> None:
        await asyncio.gather(work.aio(1), work.aio(2))

    asyncio.run(main())
    made = list_artifacts(run=newest(runtime))
    assert {each.name: str(each.run).partition(".")[2] for each in made} == {
        "p-1@1": "work-0", "m-1@1": "work-0", "p-2@1": "work-1", "m-2@1": "work-1",
    }  # fmt: skip
    assert get_artifact("p-1").read() == 100.0
    assert acreate_markdown_artifact.__name__ == "acreate_markdown_artifact"


def test_another_attempt_makes_nothing_twice(runtime: Runtime) -> None:
    """A task that is tried again finds what it has made; a progress begins again."""

    @flow
    def main() -> str:
        return chart.with_options(retries=2)(1, fails=2)

    made = main()
    assert [name.partition(" by ")[0].partition("@")[0] for name in names(runtime)][:2] == [
        "chart",
        "part-1",
    ]
    assert len(list_artifacts(run=newest(runtime))) == 3
    assert get_artifact(made).read() == 100.0


mended: list[bool] = []


@flow
def report(day: str) -> str:
    """Make artifacts in the body, and in tasks, and break until it is mended."""
    create_markdown_artifact(f"# {day}", "report")
    create_markdown_artifact("the same", "report")
    create_markdown_artifact("the same", "report")
    chart(7)
    if not mended:
        raise OSError("no disk")
    create_markdown_artifact("the end", "report")
    return "done"


def test_a_resumed_run_makes_nothing_twice(runtime: Runtime) -> None:
    """The body runs again from the start, and what it made before is that; also equal ones."""
    with pytest.raises(OSError, match="no disk"):
        report("monday")
    run = newest(runtime)
    before = [(each.id, each.made) for each in list_artifacts(run=run)]
    assert len(before) == 6
    mended.append(True)
    assert resume(run) == "done"
    after = list_artifacts(run=run)
    assert [(each.id, each.made) for each in after][:6] == before
    assert [each.name for each in after][6:] == ["report@4"]


def test_other_content_is_another_version(runtime: Runtime) -> None:
    """What an attempt makes with another content is kept beside what was made before."""
    attempts: list[int] = []

    @task(retries=1)
    def count() -> None:
        attempts.append(1)
        create_markdown_artifact(f"attempt {len(attempts)}", "count")
        if len(attempts) == 1:
            raise OSError("once")

    @flow
    def main() -> None:
        count()

    main()
    assert [each.read() for each in list_artifacts("count")] == ["attempt 2", "attempt 1"]


def test_each_run_makes_its_own_version(runtime: Runtime) -> None:
    """Equal content in another run is another version."""
    for _ in range(2):
        with pytest.raises(OSError, match="no disk"):
            report("monday")
    assert [each.version for each in list_artifacts("report")] == [6, 5, 4, 3, 2, 1]


# Other processes


@task(retries=1)
def far(folder: str, word: str) -> str:
    """Make artifacts in another process, which knows one secret; break at first."""
    Secret(SENTINEL)
    create_markdown_artifact(f"{word} {SENTINEL}", "far")
    made = create_progress_artifact(0, "far-progress")
    update_progress_artifact(made, 60, "of the far one")
    create_image_artifact(image=PNG + zlib.compress(word.encode()), key="far-image")
    if not Path(folder, "again").exists():
        Path(folder, "again").touch()
        raise OSError("once")
    return made


def test_processes_make_artifacts_for_their_parent(runtime: Runtime, tmp_path: Path) -> None:
    """What a process makes is its task's, once over attempts, without the secrets of either."""
    parents = Secret("only-the-parent-knows")

    @flow(task_runner=ProcessRunner(1))
    def main() -> str:
        return far.submit(str(tmp_path), parents.reveal()).result()

    made = main()
    assert names(runtime) == [
        "far@1 by far-0",
        "far-progress@1 by far-0",
        "far-image@1 by far-0",
    ]
    progress = get_artifact(made)
    assert (progress.read(), progress.description) == (60.0, "of the far one")
    assert get_artifact("far").read() == "*** ***"
    assert get_artifact("far-image").read().startswith(PNG)


@task
def far_and_wrong() -> None:
    """Make what cannot be made."""
    create_markdown_artifact("x", "No Key")


@task
def far_reads() -> tuple[str, int]:
    """Read in another process what the flow has made."""
    return get_artifact("near").read(), len(list_artifacts())


def test_processes_read_artifacts_and_see_errors(runtime: Runtime) -> None:
    """The history in use is that of the parent; a wrong key is an error of the task."""

    @flow(task_runner=ProcessRunner(1))
    def main() -> tuple[str, int]:
        create_markdown_artifact("from here", "near")
        wrong = far_and_wrong.submit()
        wrong.wait()
        assert isinstance(wrong.exception(), InvalidArtifact)
        return far_reads.submit().result()

    assert main() == ("from here", 1)


def test_threads_of_a_program_make_artifacts(tmp_path: Path) -> None:
    """Outside of runs, threads version one key as processes do."""
    with use_history(tmp_path) as runtime:
        from contextvars import copy_context

        def make() -> None:
            for _ in range(10):
                create_markdown_artifact("x", "shared")
            runtime.history.close()

        threads = [threading.Thread(target=copy_context().run, args=(make,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [each.version for each in list_artifacts("shared")] == list(range(40, 0, -1))


# Removing


def test_one_version_is_removed_and_its_number_never_given_again(runtime: Runtime) -> None:
    """The newest leaves its number behind; an older one leaves nothing."""
    for number in range(3):
        create_image_artifact(image=PNG + bytes([number]), key="plot")
    keeping.remove(runtime, get_artifact("plot", 3))
    keeping.remove(runtime, get_artifact("plot", 1))
    assert [each.name for each in list_artifacts("plot")] == ["plot@2"]
    create_markdown_artifact("x", "plot")
    assert get_artifact("plot").version == 4
    folder = runtime.place.folder / "artifacts"
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1


def test_a_key_is_removed_with_all_versions(runtime: Runtime) -> None:
    """Other keys stay, also those that begin alike; the key begins again with 1."""
    for key in ("a", "a-b", "a", "a0"):
        create_image_artifact(image=PNG, key=key)
    assert keeping.remove_key(runtime, "a") == 2
    assert [each.name for each in list_artifacts()] == ["a-b@1", "a0@1"]
    create_markdown_artifact("x", "a")
    assert get_artifact("a").version == 1
    with pytest.raises(ArtifactNotFound):
        keeping.remove_key(runtime, "none")


def test_of_a_removed_run_the_newest_of_a_key_stays(runtime: Runtime) -> None:
    """What has no key goes with its run, and so does what is not the newest of its key."""

    @flow
    def main(number: int) -> None:
        create_image_artifact(image=PNG)
        create_markdown_artifact(f"first of {number}", "report")
        create_markdown_artifact(f"{number}" * 20_000, "report")
        create_markdown_artifact("x", f"only-{number}")

    runs = []
    for number in (1, 2):
        main(number)
        runs.append(newest(runtime))
    for run in runs:
        keeping.forget_run(runtime, run)
        runtime.history.remove(run)
    assert [each.name for each in list_artifacts()] == ["only-1@1", "only-2@1", "report@4"]
    assert [each.name for each in list_artifacts("report")] == ["report@4"]
    folder = runtime.place.folder / "artifacts"
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1
    assert get_artifact("report").read() == "2" * 20_000


def test_updates_of_one_progress_by_many_are_not_lost(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update that was overtaken is done again."""
    made = create_progress_artifact(0, "p")
    put, overtaken = SqliteHistory.put, [False]

    def slow(self: SqliteHistory, *args: Any, **options: Any) -> Entry:
        if not overtaken[0]:
            overtaken[0] = True
            raise EntryConflict("overtaken")
        return put(self, *args, **options)

    monkeypatch.setattr(SqliteHistory, "put", slow)
    update_progress_artifact(made, 30)
    assert (get_artifact(made).read(), overtaken) == (30.0, [True])
