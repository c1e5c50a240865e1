"""The manifest of an app: the least that tasks need, as Slack takes it."""

import sys
from pathlib import Path

import pytest
import yaml

from brickwork import task
from brickwork.cli.app import run as run_brickwork
from brickwork.registry.current import get_registry
from brickwork.testing.commandline import command_here
from brickwork_slack import (
    add_reaction,
    ask_approval,
    manifest_for,
    post_message,
    scopes_for,
    search_messages,
    set_status,
    slack_call,
    unarchive_conversation,
)
from brickwork_slack.plugin import brickwork_tasks
from brickwork_slack.testing.tokens import BOT_SCOPES, USER_SCOPES

FLOWS = '''
from brickwork_slack import add_reaction as react, post_message

def report(credentials, text):
    """Post, and mark."""
    posted = post_message(credentials, "#data", text)
    react(credentials, posted.channel, posted.ts, "eyes")
'''


def test_scopes_are_the_least_that_tasks_declare() -> None:
    """Each once, in order; those of people apart; what is no scope of Slack's is left out."""

    @task(permissions=["s3:GetObject"])
    def other() -> None:
        """A task of another package."""

    assert scopes_for([post_message, add_reaction, post_message, other]) == {
        "bot": ["chat:write", "reactions:write"]
    }
    assert scopes_for([set_status, search_messages, unarchive_conversation]) == {
        "user": ["channels:write", "search:read", "users.profile:write"]
    }
    assert scopes_for([slack_call]) == {}


def test_every_task_declares_scopes_that_slack_has() -> None:
    """By the names that the loopback knows, for the kind of token that may have them."""
    for name in brickwork_tasks():
        for kind, scopes in scopes_for([get_registry().task(name)]).items():
            known = BOT_SCOPES if kind == "bot" else USER_SCOPES
            assert set(scopes) <= {*known, "channels:write.topic", "channels:write.invites"}, name


def test_a_manifest_is_what_slack_takes() -> None:
    """With a bot where one is needed, and without interactivity where nothing hears of it."""
    assert manifest_for([post_message, set_status], "Data bot") == {
        "display_information": {"name": "Data bot"},
        "features": {"bot_user": {"display_name": "Data bot", "always_online": False}},
        "oauth_config": {"scopes": {"bot": ["chat:write"], "user": ["users.profile:write"]}},
        "settings": {
            "org_deploy_enabled": False,
            "socket_mode_enabled": False,
            "token_rotation_enabled": False,
        },
    }
    assert "features" not in manifest_for([set_status], "Data bot")


def test_approvals_need_buttons_that_are_heard() -> None:
    """By Socket Mode, which needs no address of one's own."""
    settings = manifest_for([ask_approval], "Data bot")["settings"]
    assert settings["interactivity"] == {"is_enabled": True}
    assert settings["socket_mode_enabled"] is True


def test_the_command_line_prints_a_manifest(capfd: pytest.CaptureFixture[str]) -> None:
    """As YAML to paste, and as JSON."""
    brickwork = command_here(run_brickwork, capfd)
    done = brickwork("slack", "manifest", "slack.post_message", "slack.set_status")
    assert (done.code, done.err) == (0, "")
    printed = yaml.safe_load(done.out)
    assert printed == manifest_for([post_message, set_status], "Brickwork")
    done = brickwork("slack", "manifest", "slack.post_message", "--name", "Bot", "--json")
    assert done.json["manifest"] == manifest_for([post_message], "Bot")


def test_the_tasks_of_a_program_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In its file, and in its module, by whatever name it imports them."""
    (tmp_path / "reporting_flows.py").write_text(FLOWS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    brickwork = command_here(run_brickwork, capfd)
    for where in ("reporting_flows.py", "reporting_flows"):
        done = brickwork("slack", "manifest", where)
        assert done.code == 0, done.err
        scopes = yaml.safe_load(done.out)["oauth_config"]["scopes"]
        assert scopes == {"bot": ["chat:write", "reactions:write"]}


def test_what_cannot_be_known_is_pointed_out(capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever slack_call calls, and tasks that need nothing in Slack."""
    brickwork = command_here(run_brickwork, capfd)
    done = brickwork("slack", "manifest", "slack.slack_call")
    assert "Add the scopes that are needed by slack_call" in done.err
    assert "oauth_config" not in yaml.safe_load(done.out)


@pytest.mark.parametrize(
    "arguments", [["slack.no_such_task"], ["slack.post_message", "--name", "x" * 36], []]
)
def test_what_is_wrong_is_refused(capfd: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """With an exit code that says so, and nothing that one could paste."""
    done = command_here(run_brickwork, capfd)("slack", "manifest", *arguments)
    assert done.code != 0
    assert done.out == ""
    assert done.err


def test_a_wrong_name_of_a_task_runs_no_module(capfd: pytest.CaptureFixture[str]) -> None:
    """slack_sdk brings an old package named slack, which is not looked into for the task."""
    sys.modules.pop("slack", None)
    done = command_here(run_brickwork, capfd)("slack", "manifest", "slack.post_mesage")
    assert done.code == 7
    assert "slack.post_message" in done.err
    assert "slack" not in sys.modules
