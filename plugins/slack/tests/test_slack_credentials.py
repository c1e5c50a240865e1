"""Credentials: what is refused, what is shown, what a check tells."""

import asyncio
import pickle
from typing import Any

import pytest

from brickwork import Secret
from brickwork.testing.task import no_waiting
from brickwork_slack import SlackCredentials
from brickwork_slack.clients import OVERRIDE
from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.faults import garbled, rate_limited, server_error

BOT = "xoxb-2401-8830-Jw8sT2xLq0bNk4Yb6"


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({}, "token"),
        ({"token": ""}, "is empty"),
        ({"token": f" {BOT}"}, "has spaces"),
        ({"token": f"{BOT}\n"}, "has spaces"),
        ({"token": "xoxb-tökén"}, "characters that no token has"),
        ({"token": "xapp-1-A0-1-word"}, "give that as app_token"),
        ({"token": BOT, "app_token": "xoxb-1-word"}, "begins with xapp-"),
        ({"token": BOT, "signing_secret": "two words"}, "has spaces"),
        ({"token": BOT, "team_id": "brick"}, "team_id"),
        ({"token": BOT, "base_url": "slack.com/api"}, "is not https://host/path"),
        ({"token": BOT, "base_url": "ftp://slack.com"}, "is not https://host/path"),
        ({"token": BOT, "base_url": "https://me:word@slack.com"}, "without user and query"),
        ({"token": BOT, "base_url": "https://slack.com/api?x=1"}, "without user and query"),
        ({"token": BOT, "base_url": "https://slack.com:99999/"}, "is not https://host/path"),
        ({"token": BOT, "tokens": "x"}, "tokens"),
        ({"token": BOT, "client_options": {"timeout": 0}}, "timeout"),
        ({"token": BOT, "client_options": {"retries": -1}}, "retries"),
        ({"token": BOT, "client_options": {"verify": False, "ca_bundle": "a"}}, "leave out one"),
        ({"token": BOT, "client_options": {"prox": "x"}}, "prox"),
    ],
)
def test_fields_that_cannot_be_are_refused(fields: dict[str, Any], match: str) -> None:
    """The error names the field, and never shows what was given as a secret."""
    with pytest.raises(ValueError, match=match) as caught:
        SlackCredentials(**fields)
    for secret in ("Jw8sT2xLq0bNk4Yb6", "tökén", "1-word", "two words", "me:word"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("xoxb-1", "bot"),
        ("xoxp-1", "user"),
        ("xoxe.xoxb-1", "bot"),
        ("xoxe.xoxp-1", "user"),
        ("xoxc-1", "other"),
    ],
)
def test_the_kind_is_told_by_how_a_token_begins(token: str, kind: str) -> None:
    """Whose it is, without a request."""
    assert SlackCredentials(token=Secret(token)).kind == kind


def test_an_address_ends_with_a_slash() -> None:
    """As slack_sdk joins it with the names of methods."""
    for given in ("https://slack.example/api", "https://slack.example/api//"):
        made = SlackCredentials(token=Secret(BOT), base_url=given)
        assert made.base_url == "https://slack.example/api/"
        assert made.client().base_url == "https://slack.example/api/"


def test_without_an_address_it_is_slacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the one of the environment, for tests of whole programs; one that is given counts."""
    credentials = SlackCredentials(token=Secret(BOT))
    assert credentials.client().base_url == "https://slack.com/api/"
    monkeypatch.setenv(OVERRIDE, "http://127.0.0.1:9/api")
    assert credentials.client().base_url == "http://127.0.0.1:9/api/"
    given = SlackCredentials(token=Secret(BOT), base_url="https://slack.example/api")
    assert given.client().base_url == "https://slack.example/api/"


def test_saved_credentials_are_the_same_again(slack_server: SlackServer) -> None:
    """With all their parts; and they work."""
    made = slack_server.credentials(
        app_token="xapp-1-A0-word", client_options={"timeout": 5, "proxy": "http://127.0.0.1:9"}
    )
    made.save("data-bot")
    loaded = SlackCredentials.load("data-bot")
    assert loaded.__dict__ == made.__dict__
    assert pickle.loads(pickle.dumps(loaded)).token == made.token  # just written


# Checks


def findings(credentials: SlackCredentials) -> dict[str, tuple[str, str, str]]:
    """Return what a check says, by what it is about."""
    report = credentials.check()
    return {each.what: (each.status, each.detail, each.fix) for each in report.findings}


def test_a_check_says_who_and_where_and_what(slack_server: SlackServer) -> None:
    """The bot, its workspace, its scopes; what nothing but use can try is said, too."""
    token = slack_server.token(scopes=["chat:write", "channels:read"])
    found = findings(slack_server.credentials(token=token, app_token="xapp-1-A0-word"))
    assert found["token"][:2] == ("ok", f"bot brick ({slack_server.bot.id})")
    assert found["workspace"][0] == "ok"
    assert slack_server.workspace.id in found["workspace"][1]
    assert found["scopes"][:2] == ("ok", "channels:read, chat:write")
    assert found["app token"][0] == found["signing secret"][0] == "skipped"


def test_a_persons_token_is_a_persons(slack_server: SlackServer) -> None:
    """Not a bot's."""
    found = findings(slack_server.credentials(token=slack_server.token(kind="user")))
    assert found["token"][1] == f"user ada ({slack_server.ada.id})"


def test_a_token_that_cannot_post_is_pointed_out(slack_server: SlackServer) -> None:
    """As a warning: it may be what is wanted."""
    credentials = slack_server.credentials(token=slack_server.token(scopes=["channels:read"]))
    status, detail, fix = findings(credentials)["scopes"]
    assert status == "warning"
    assert "chat:write lacks" in detail
    assert "OAuth & Permissions" in fix


def test_a_token_in_clear_is_pointed_out(slack_server: SlackServer) -> None:
    """Where the address has no https:// and is another machine's; with tests' own all is well."""
    assert "address" not in findings(slack_server.credentials())
    elsewhere = slack_server.credentials(
        base_url="http://slack.example/api/", client_options={"proxy": slack_server.url}
    )
    status, detail, fix = findings(elsewhere)["address"]
    assert status == "warning"
    assert "slack.example in clear" in detail
    assert "https://" in fix


@pytest.mark.parametrize("error", ["token_revoked", "account_inactive", "token_expired"])
def test_a_token_that_is_taken_no_more_is_told(slack_server: SlackServer, error: str) -> None:
    """With Slack's code, and what to do."""
    token = slack_server.token()
    slack_server.revoke(token, error)
    status, detail, fix = findings(slack_server.credentials(token=token))["token"]
    assert (status, error in detail, bool(fix)) == ("failed", True, True)


@pytest.mark.parametrize("fault", [server_error(), rate_limited(60), garbled()])
def test_a_slack_that_does_not_answer_is_told(slack_server: SlackServer, fault: Any) -> None:
    """As Slack's, not the token's; in seconds, whatever Slack asks to wait."""
    slack_server.fail("auth.test", fault, times=99)
    with no_waiting() as waits:
        status, _, fix = findings(slack_server.credentials())["slack"]
    assert (status, bool(fix)) == ("failed", True)
    assert sum(waits) < 8


def test_a_check_never_raises() -> None:
    """Also where the options themselves are of no use, and in a loop."""
    broken = SlackCredentials(token=Secret(BOT), client_options={"ca_bundle": "/no/such.pem"})
    (slack, _) = broken.check().findings
    assert (slack.status, "/no/such.pem" in slack.detail) == ("failed", True)

    async def within() -> bool:
        return broken.check().ok

    assert asyncio.run(within()) is False


def test_errors_name_saved_credentials(slack_server: SlackServer) -> None:
    """By their address, so that one knows which of several to mend."""
    token = slack_server.token()
    slack_server.revoke(token)
    slack_server.credentials(token=token).save("data-bot")
    report = SlackCredentials.load("data-bot").check()
    assert "slack-credentials/data-bot" in report.findings[0].detail
