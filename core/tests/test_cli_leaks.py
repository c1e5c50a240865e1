"""No command shows a secret (attacks 12 and 28), and no input leads to a traceback."""

import contextlib
import io
import json
import sys
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pydantic import Field

from brickwork import BasicAuth, Block, CheckReport, Finding, Secret
from brickwork.cli.app import run
from brickwork.cli.exit_codes import MEANINGS
from brickwork.testing.leaks import SENTINELS, UNKNOWN, leaks


class Talker(Block):
    """A block that tells its secret wherever it can."""

    slug: ClassVar[str] = "leaktest-talker"

    token: Secret[str] = Field(description="What it tells.")
    how: str = Field("detail", description="Where it tells it.")

    def check(self) -> CheckReport:
        told = f"the token is {self.token.reveal()}, really"
        print(told)
        print(told, file=sys.stderr)
        if self.how == "raise":
            raise RuntimeError(told)
        return CheckReport((Finding("failed", told, "x" * 280 + told, told),))


def said(*args: str, stdin: str = "") -> tuple[int, str]:
    """Run a command line; return its code and all that it shows."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(args)
    finally:
        sys.stdin = before
    shown = ""
    for stream in (out, err):
        stream.flush()
        assert isinstance(stream.buffer, io.BytesIO)
        shown += stream.buffer.getvalue().decode("utf-8", "replace")
    return code, shown


COMMANDS = [
    ("block", "ls"),
    ("block", "show", "leaktest-talker/t"),
    ("block", "history", "leaktest-talker/t"),
    ("block", "check"),
    ("--debug", "block", "check"),
    ("block", "edit", "leaktest-talker/t", "--set", "how=raise"),
    ("block", "edit", "leaktest-talker/t", "--set", "how=detail"),
    ("--debug", "block", "edit", "leaktest-talker/t", "--set", "nope=1"),
    ("block", "edit", "leaktest-talker/t", "--set", "how=raise", "--no-check"),
    ("block", "rename", "leaktest-talker/t", "t"),
    ("block", "delete", "leaktest-talker/t"),
    ("keys", "status"),
    ("plugin", "ls"),
    ("task", "ls"),
    ("doctor",),
]
WITHOUT_JSON = {"delete"}


@pytest.mark.parametrize("sentinel", range(len(SENTINELS)))
def test_no_command_shows_a_secret(sentinel: int) -> None:
    """Every command on a vault with a secret, in text and in JSON, in no encoding."""
    text = SENTINELS[sentinel]
    create = ("block", "create", "leaktest-talker", "t", "--secrets-from-stdin")
    shown = said(*create, stdin=json.dumps({"token": text}))[1]
    shown += said(*create, "--no-check", stdin=json.dumps({"token": text}))[1]
    assert "Saved leaktest-talker/t@1" in shown

    for command in COMMANDS:
        shown += said(*command)[1]
        if not WITHOUT_JSON & set(command):
            shown += said(*command, "--json")[1]

    assert not leaks(text, shown)
    assert "the token is ***, really" in shown


def test_the_detector_sees_what_is_no_secret() -> None:
    """The control: a text that is stored in clear shows, so a leak would be seen."""
    BasicAuth(username=UNKNOWN, password="a-password").save("x")

    assert leaks(UNKNOWN, said("block", "show", "basic-auth/x")[1])


WORDS = st.sampled_from(
    ["block", "ls", "show", "create", "edit", "check", "history", "rename", "delete", "types",
     "keys", "status", "plugin", "task", "run", "help", "basic-auth", "basic-auth/x", "x",
     "--set", "--ref", "--json", "--yes", "--arg", "--no-plugins", "--keys", "--vault", "env:NOPE",
     "username=u", "password=-", "password=p", "=", "-", "--", "@x", "{}", "basic-auth/x@9",
     "value=[[[[", "--secrets-from-stdin", "--unset", "username"]
)  # fmt: skip


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(WORDS | st.text(max_size=6).filter(lambda text: "\0" not in text), max_size=7),
    st.text(max_size=10),
)
def test_no_input_leads_to_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, args: list[str], stdin: str
) -> None:
    """Whatever is typed, the ending has a code of the table and no traceback."""
    with contextlib.chdir(tmp_path_factory.getbasetemp()):
        code, shown = said(*args, stdin=stdin)

    assert code in MEANINGS
    assert "Traceback" not in shown
    assert "--debug before" not in shown, shown  # an error that nobody expected
