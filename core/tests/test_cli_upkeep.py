"""Many blocks checked at once, and unreadable ones that hinder no other."""

import io
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from pydantic import Field

from brickwork import (
    BasicAuth,
    Block,
    CheckReport,
    Finding,
    Secret,
    Settings,
    Vault,
    block as block_module,
    migration,
)
from brickwork.block import defined_blocks
from brickwork.builtin.key_env import EnvKey
from brickwork.cli.app import run
from brickwork.crypto import NamedKey, derive, key_id, new_key
from brickwork.store import WrappedKey
from brickwork.testing.commandline import Conversation
from brickwork.vault.checking import check_blocks
from brickwork.vault.envelope import seal_secrets

GATE = threading.Event()


class Probe(Block):
    """A block whose check does what its field says."""

    slug: ClassVar[str] = "upkeeptest-probe"

    what: str = Field("ok", description="What the check does.")

    def check(self) -> CheckReport:
        if self.what == "hang":
            GATE.wait(60)
        if self.what == "raise":
            raise RuntimeError("the check itself broke")
        if self.what == "meet":
            BARRIER.wait(30)
        if self.what in ("failed", "warning", "skipped"):
            return CheckReport((Finding(self.what, "probe", "said so", "Mend it."),))  # type: ignore[arg-type]  # one of them
        return CheckReport((Finding("ok", "probe"),))


BARRIER = threading.Barrier(4)

Brickwork = Callable[..., tuple[int, Any, str]]


@pytest.fixture(autouse=True)
def gate() -> Iterator[None]:
    """Let checks that hang end with the test."""
    GATE.clear()
    yield
    GATE.set()


@pytest.fixture
def brickwork(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Brickwork:
    """Run a command of `brickwork block` with --json; return code, JSON and standard error."""

    def call(*args: str) -> tuple[int, Any, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b""), "utf-8"))
        code = run(("block", *args, "--json"))
        out, err = capsys.readouterr()
        return code, json.loads(out), err

    return call


def by_address(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return rows by slug/name."""
    return {row["address"].partition("@")[0]: row for row in rows}


# Checks


def test_each_block_has_a_status_and_a_time(memory_vault: Vault, brickwork: Brickwork) -> None:
    """The worst finding counts; one failure ends with 1; all are counted."""
    for what in ("ok", "warning", "failed", "skipped", "raise"):
        Probe(what=what).save(what)
    code, found, _ = brickwork("check", "--all")
    assert code == 1
    statuses = {
        a.partition("/")[2]: row["status"] for a, row in by_address(found["blocks"]).items()
    }
    assert statuses == {
        "ok": "ok",
        "warning": "warning",
        "failed": "failed",
        "skipped": "skipped",
        "raise": "failed",
    }
    assert found["counts"] == {"ok": 1, "warning": 1, "failed": 2, "skipped": 1}
    assert all(0 <= row["seconds"] < 60 for row in found["blocks"])
    assert brickwork("check", "upkeeptest-probe/ok", "upkeeptest-probe/warning")[0] == 0
    assert run(("block", "check", "--all", "upkeeptest-probe/ok")) == 2


def test_a_vault_checks_all_or_some(memory_vault: Vault) -> None:
    """The answer has the order of the question, each block once."""
    for what in ("ok", "failed", "warning"):
        Probe(what=what).save(what)
    named = ["upkeeptest-probe/warning", "upkeeptest-probe/nobody", "upkeeptest-probe/warning"]
    assert [each.status for each in memory_vault.check(named)] == ["warning", "failed"]
    everything = memory_vault.check()
    assert [each.address.partition("/")[2] for each in everything] == ["failed", "ok", "warning"]
    assert memory_vault.check([]) == []


def test_checks_run_at_the_same_time(memory_vault: Vault) -> None:
    """Four checks that wait for each other all end."""
    for number in range(4):
        Probe(what="meet").save(f"p{number}")
    addresses = [f"upkeeptest-probe/p{number}" for number in range(4)]
    BARRIER.reset()
    assert [c.status for c in check_blocks(memory_vault, addresses, at_once=4)] == ["ok"] * 4


def test_no_more_run_than_may(memory_vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand blocks are not a thousand threads."""
    running: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    def check(self: Probe) -> CheckReport:
        with lock:
            running.append(1)
            most.append(len(running))
        threading.Event().wait(0.002)
        with lock:
            running.pop()
        return CheckReport()

    monkeypatch.setattr(Probe, "check", check)
    Probe().save("p")
    results = list(check_blocks(memory_vault, ["upkeeptest-probe/p"] * 40, at_once=3))
    assert len(results) == 40
    assert max(most) <= 3


def test_a_check_that_hangs_is_given_up(memory_vault: Vault, brickwork: Brickwork) -> None:
    """It has failed after its time, and keeps nobody else from being checked."""
    for number in range(5):
        Probe(what="hang" if number < 3 else "ok").save(f"p{number}")
    code, found, _ = brickwork("check", "--timeout", "0.2", "--jobs", "2")
    assert code == 1
    statuses = [row["status"] for row in found["blocks"]]
    assert statuses == ["failed"] * 3 + ["ok"] * 2
    assert "longer than 0.2 s" in found["blocks"][0]["findings"][0]["detail"]


def test_progress_is_shown_beside_the_output(
    memory_vault: Vault, brickwork: Brickwork, capsys: pytest.CaptureFixture[str]
) -> None:
    """How many of how many, on standard error."""
    for number in range(3):
        Probe().save(f"p{number}")
    assert "3 of 3" in brickwork("check")[2]
    assert "of 1" not in brickwork("check", "upkeeptest-probe/p0")[2]


def test_ctrl_c_shows_what_was_checked(memory_vault: Vault) -> None:
    """In a terminal: those that are done are shown, and the command ends at once with 130."""
    module = (
        "from typing import ClassVar\n"
        "import threading\n"
        "from brickwork import Block, CheckReport, Finding\n"
        "class Slow(Block):\n"
        '    """Slow."""\n'
        '    slug: ClassVar[str] = "slowtest-slow"\n'
        "    hang: bool\n"
        "    def check(self):\n"
        "        if self.hang:\n"
        "            threading.Event().wait(60)\n"
        '        return CheckReport((Finding("ok", "quickly"),))\n'
    )
    folder = os.environ["BRICKWORK_HOME"] + "/project"
    os.mkdir(folder)  # noqa: PTH102  # beside the environment
    with open(f"{folder}/slowmodule.py", "w") as file:  # noqa: PTH123  # as above
        file.write(module)
    with open(f"{folder}/brickwork.toml", "w") as file:  # noqa: PTH123  # as above
        file.write('modules = ["slowmodule"]\n')
    sys.path.insert(0, folder)
    os.environ["BRICKWORK_PROJECT"] = folder
    try:
        import slowmodule  # type: ignore[import-not-found]  # written above

        slowmodule.Slow(hang=False).save("a-quick")
        slowmodule.Slow(hang=True).save("b-hangs")
        with Conversation("block", "check", "--all") as conversation:
            conversation.wait_for("checked slowtest-slow/a-quick")
            conversation.press(b"\x03")
            assert conversation.end() == 130
        assert "Interrupted; 1 of 2 were checked" in conversation.shown
        assert "quickly" in conversation.shown
    finally:
        sys.path.remove(folder)
        del os.environ["BRICKWORK_PROJECT"]


# Unreadable documents


class Account(Block):
    """An account of the first release."""

    slug: ClassVar[str] = "upkeeptest-account"
    user: str = Field(description="User.")
    token: Secret[str] = Field(description="Token.")


class Next(Block):
    """An account of the second release, whose migration fails for some."""

    slug: ClassVar[str] = "upkeeptest-next"
    login: str = Field(description="Login.")

    @migration(1)
    @staticmethod
    def _rename(fields: dict[str, Any]) -> dict[str, Any]:
        if fields["user"] == "fails":
            raise KeyError(fields["token"].reveal())
        return {"login": fields["user"]}


@pytest.fixture
def damaged(memory_vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """A vault with a good document and four that cannot be read, each for a reason of its own."""
    for name in ("good", "fails", "tampered", "locked"):
        Account(user=name, token=Secret("a-token-4711")).save(name)
    monkeypatch.setattr(block_module, "defined_blocks", dict(defined_blocks))

    class Gone(Block):
        """A block of a plugin that is not there any more."""

        slug: ClassVar[str] = "upkeepgone-block"

    Gone().save("x")
    del block_module.defined_blocks["upkeepgone-block"]
    store = memory_vault.store
    record = store.get("upkeeptest-account", "tampered")
    locked = store.get("upkeeptest-account", "locked")
    assert record is not None
    assert locked is not None
    # As after a rotation with another key: the root key is there, and this key does not open it.
    monkeypatch.setenv("OTHER_KEY", "b3RoZXIga2V5IG9mIG5vdGhpbmcgYnV0IHRlc3RzICE=")
    root = new_key()
    kid = key_id(root)
    wrapped = EnvKey.open("OTHER_KEY").wrap(root, memory_vault.keys._context(kid))
    reader = memory_vault._reader
    sealed = seal_secrets(
        NamedKey(kid, derive(root, "wrap")),
        reader.identity_of(locked),
        locked.public,
        reader.secrets_of(locked),
    )
    with store.transaction():
        store.replace(record._replace(public=record.public.replace(b"tampered", b"changed!")))
        mine = store.keys()[0]
        store.put_key(WrappedKey(kid, mine.provider, wrapped, mine.created_at, False, 0))
        store.replace(locked._replace(kid=kid, sealed=sealed))
    Next.slug, Next.schema_version = Account.slug, 2
    block_module.defined_blocks[Account.slug] = Next
    return memory_vault


BAD = {
    "upkeepgone-block/x",
    "upkeeptest-account/fails",
    "upkeeptest-account/locked",
    "upkeeptest-account/tampered",
}
WORDS = {
    "upkeepgone-block/x": "upkeepgone",
    "upkeeptest-account/fails": "failed with KeyError",
    "upkeeptest-account/locked": "key",
    "upkeeptest-account/tampered": "was changed outside Brickwork",
}


def test_ls_lists_all_and_says_what_is_wrong(damaged: Vault, brickwork: Brickwork) -> None:
    """Wrong key, changed, no plugin, failed migration: each with its reason, and a good one."""
    code, found, _ = brickwork("ls")
    assert code == 0
    rows = by_address(found["blocks"])
    assert {address for address, row in rows.items() if row["problem"]} == BAD
    assert rows["upkeeptest-account/good"]["problem"] is None
    for address, words in WORDS.items():
        assert words in rows[address]["problem"]
    fast = by_address(brickwork("ls", "--fast")[1]["blocks"])
    assert set(fast) == set(rows)
    assert "4711" not in json.dumps(found)


def test_check_checks_the_others(damaged: Vault, brickwork: Brickwork) -> None:
    """Each unreadable one has failed to load, with its reason; the good one was checked."""
    code, found, _ = brickwork("check", "--all")
    rows = by_address(found["blocks"])
    assert code == 1, "for several reasons"
    assert {address for address, row in rows.items() if row["status"] == "failed"} == BAD
    for address, words in WORDS.items():
        [finding] = rows[address]["findings"]
        assert finding["what"] == "load"
        assert words in finding["detail"]
    assert rows["upkeeptest-account/good"]["status"] == "skipped"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("upkeepgone-block/x", 7),
        ("upkeeptest-account/fails", 7),
        ("upkeeptest-account/locked", 3),
        ("upkeeptest-account/tampered", 6),
        ("upkeeptest-account/nobody", 4),
        ("nonsense", 2),
    ],
)
def test_check_ends_with_the_code_of_what_cannot_be_loaded(
    name: str, code: int, damaged: Vault, brickwork: Brickwork
) -> None:
    """And shows the others, which were checked all the same."""
    ended, found, _ = brickwork("check", name, "upkeeptest-account/good")
    assert ended == code
    assert by_address(found["blocks"])["upkeeptest-account/good"]["ok"]


def test_migrate_migrates_the_others(damaged: Vault, brickwork: Brickwork) -> None:
    """What cannot be read stays as it is, and is named."""
    code, found, _ = brickwork("migrate")
    rows = by_address(found["documents"])
    assert code == 1
    assert {address for address, row in rows.items() if row["status"] == "failed"} == BAD
    for address, words in WORDS.items():
        assert words in rows[address]["problem"]["what"]
    assert rows["upkeeptest-account/good"]["status"] == "migrated"
    assert [d.version for d in damaged.documents()] == [1, 1, 2, 1, 1]


def test_ls_without_a_key_lists_and_says_so(
    memory_vault: Vault, brickwork: Brickwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key on this machine says nothing about a document; another key does."""
    Settings(value=1).save("s")
    BasicAuth(username="u", password=Secret("a-password")).save("x")
    monkeypatch.setenv("BRICKWORK_KEY", "")
    code, found, err = brickwork("ls")
    assert (code, [row["problem"] for row in found["blocks"]]) == (0, [None, None])
    assert "2 block(s) could not be opened" in err
    assert brickwork("ls", "--fast")[2] == ""
    monkeypatch.setenv("BRICKWORK_KEY", "b3RoZXIga2V5IG9mIG5vdGhpbmcgYnV0IHRlc3RzICE=")
    code, found, err = brickwork("ls")
    assert code == 0
    assert all("key" in row["problem"] for row in found["blocks"])


def test_a_key_that_is_wrong_is_asked_for_once(memory_vault: Vault) -> None:
    """A provider that answers slowly, or is asked over the network, is not asked for each block."""
    for number in range(20):
        Settings(value=number).save(f"s{number}")
    memory_vault.keys.close()
    asked: list[bytes] = []
    provider = memory_vault.keys.provider

    def refuse(wrapped: bytes, context: bytes) -> bytes:
        from brickwork import WrongKey

        asked.append(wrapped)
        raise WrongKey("another key", fix="Find it.")

    provider.unwrap = refuse  # type: ignore[method-assign]  # counts
    problems = memory_vault.problems(memory_vault.documents())
    assert len(asked) == 1
    assert len(problems) == 20
    assert all(problems)
