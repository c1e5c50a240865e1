"""Resuming a run on a terminal: it asks for what the run waits for."""

from pathlib import Path

import pytest

from brickwork import BasicAuth
from brickwork.testing.commandline import Conversation
from brickwork_flows import get_run

SECRET = "Zq7!xK-not-to-be-seen"

PROGRAM = '''
from typing import Literal

from pydantic import Field

from brickwork import Secret
from brickwork_flows import RunInput, flow, suspend_flow_run


class Order(RunInput):
    """What is ordered."""

    size: Literal["small", "large"] = Field(description="Of the shirt.")
    copies: int = 1
    names: list[str] = []
    express: bool
    note: str = "none"


class Login(RunInput):
    user: str
    token: Secret[str]


@flow(flow_run_name="order")
def order() -> str:
    return repr(suspend_flow_run(Order))


@flow(flow_run_name="login")
def login() -> int:
    return len(suspend_flow_run(Login).token.reveal())


@flow(flow_run_name="number")
def number() -> int:
    return suspend_flow_run(int)
'''


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file with flows that ask, in the working directory."""
    (tmp_path / "asking.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    return "asking.py"


def suspend(program: str, flow: str) -> None:
    """Run a flow until it is suspended."""
    with Conversation("flow", "run", f"{program}:{flow}") as talk:
        talk.wait_for("to go on: brickwork run resume")
        assert talk.end() == 0


def test_each_field_is_asked_for_and_slips_are_told_at_once(program: str) -> None:
    """What is no answer is asked for again; an empty answer keeps the default."""
    suspend(program, "order")
    with Conversation("run", "resume", "order") as talk:
        talk.wait_for("What is ordered.")
        talk.answer("size (small | large), Of the shirt.: ", "medium")
        talk.answer("It is one of small | large.", "large")
        talk.answer("copies (integer) [1]: ", "many")
        talk.answer("That is no integer", "2")
        talk.answer("names (array) [[]]: ", "anna")
        talk.answer("That is no array", '["anna"]')
        talk.answer("express (boolean) [y/n]: ", "y")
        talk.answer("note (string) [none]: ", "")
        assert talk.end() == 0

    given = "Order(size='large', copies=2, names=['anna'], express=True, note='none')"
    assert get_run("order").result() == given


def test_a_secret_is_hidden_and_reaches_the_run(program: str) -> None:
    """What is typed for a secret is shown nowhere."""
    BasicAuth(username="bob", password="makes-the-vault").save("prod")
    suspend(program, "login")
    with Conversation("run", "resume", "login") as talk:
        talk.answer("user (string): ", "ann")
        talk.answer("token (hidden): ", SECRET)
        assert talk.end() == 0
    assert SECRET not in talk.shown
    assert get_run("login").result() == len(SECRET)


def test_a_plain_type_is_one_question(program: str) -> None:
    """Without a model the type itself is asked for."""
    suspend(program, "number")
    with Conversation("run", "resume", "number") as talk:
        talk.answer("int (integer): ", "seven")
        talk.answer("That is no integer", "7")
        assert talk.end() == 0
    assert get_run("number").result() == 7
