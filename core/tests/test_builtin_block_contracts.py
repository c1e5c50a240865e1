"""Every block of the core keeps the contract of blocks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from brickwork import Block, Registry
from brickwork.builtin.blocks import BasicAuth, DatabaseUrl, SecretBlock, Settings
from brickwork.builtin.local_storage import LocalStorage
from brickwork.builtin.notifiers.apprise.block import AppriseTarget
from brickwork.builtin.notifiers.console import Console
from brickwork.builtin.notifiers.discord import DiscordWebhook
from brickwork.builtin.notifiers.email.block import Email
from brickwork.builtin.notifiers.pagerduty import PagerDuty
from brickwork.builtin.notifiers.route.block import NotifyRoute
from brickwork.builtin.notifiers.teams import TeamsWebhook
from brickwork.builtin.notifiers.webhook import Webhook
from brickwork.testing import BlockContract


class CoreContract(BlockContract):
    """What the blocks of the core share: documents of every release."""

    golden_folder = Path(__file__).parent / "golden"


class TestSecretBlock(CoreContract):
    @pytest.fixture
    def block(self) -> Block:
        return SecretBlock.model_validate({"value": "correct horse battery staple"})


class TestBasicAuth(CoreContract):
    @pytest.fixture
    def block(self) -> Block:
        return BasicAuth.model_validate({"username": "reports", "password": "Tr0ub4dor&3-xkcd"})


class TestSettings(CoreContract):
    @pytest.fixture
    def block(self) -> Block:
        return Settings(value={"z": [1, 2.5, None, True], "a": {"$block": "no/block", "": "~/"}})


class TestDatabaseUrl(CoreContract):
    @pytest.fixture
    def block(self) -> Block:
        return DatabaseUrl.model_validate(
            {
                "scheme": "postgresql+psycopg",
                "host": "127.0.0.1",
                "port": 1,
                "database": "sales",
                "username": "app",
                "password": "p@ss/word:with%25",
                "options": {"sslmode": "verify-full", "application_name": "x"},
            }
        )


class TestLocalStorage(CoreContract):
    @pytest.fixture
    def block(self, tmp_path: Path) -> Block:
        return LocalStorage(root=tmp_path, durable=True)

    @pytest.fixture
    def golden_block(self) -> Block:
        return LocalStorage(root=Path("/srv/reports"), durable=True)

    @pytest.fixture
    def example_names(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
        monkeypatch.setenv("HOME", str(tmp_path))
        return {}


class TestWebhook(CoreContract):
    @pytest.fixture
    def block(self) -> Block:
        return Webhook.model_validate(
            {
                "url": "http://127.0.0.1:1/hooks/4f7d2c9b",
                "headers": {"Authorization": "Bearer 91ae53d07f"},
                "signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "idempotent": True,
                "timeout_seconds": 1,
                "retry_seconds": 0,
                "allow_private": True,
                "allow_http": True,
                "ca_certificates": None,
            }
        )


class TestApprise(CoreContract):
    @pytest.fixture
    def block(self) -> Block:
        return AppriseTarget.model_validate(
            {
                "url": "gotify://127.0.0.1:1/4f7d2c9b",
                "overflow": "split",
                "timeout_seconds": 1,
                "retry_seconds": 0,
                "allow_local": True,
            }
        )


class TestConsole(CoreContract):
    @pytest.fixture
    def block(self) -> Block:
        return Console(stream="stdout")


class TestEmail(CoreContract):
    @pytest.fixture
    def block(self) -> Block:
        return Email.model_validate(
            {
                "host": "127.0.0.1",
                "port": 1,
                "security": "tls",
                "username": "ops@example.com",
                "password": "app-password-5c81",
                "auth": "password",
                "sender": "Operations <ops@example.com>",
                "to": ["on-call@example.com"],
                "cc": ["Team, Data <data@example.com>"],
                "bcc": ["archive@example.com"],
                "reply_to": ["help@example.com"],
                "subject_prefix": "[prod] ",
                "overflow": "attach",
                "ehlo_name": "jobs.example.com",
                "timeout_seconds": 1,
                "retry_seconds": 0,
                "allow_private": True,
                "allow_unencrypted": False,
                "allow_unencrypted_password": False,
                "ca_certificates": None,
            }
        )


class TestNotifyRoute(CoreContract):
    @pytest.fixture
    def block(self) -> Block:
        here = {"allow_private": True, "allow_http": True, "timeout_seconds": 1}
        hook = Webhook.model_validate({"url": "http://127.0.0.1:1/hooks/T0Rou7eSecret", **here})
        return NotifyRoute.model_validate(
            {
                "targets": [
                    {"to": hook, "at_least": "warning", "tags": ["db", "disk"]},
                    {"to": Console(), "backup": True, "template": {"title": "{{ title }}"}},
                ],
                "dedupe_seconds": 600,
                "dedupe_by": "title",
                "max_notifications": 20,
                "throttle_seconds": 30,
                "always": "error",
                "rest_seconds": 0,
                "template": {"body": "{{ body }}"},
            }
        )


class TestDiscordWebhook(CoreContract):
    @pytest.fixture
    def block(self) -> Block:
        return DiscordWebhook.model_validate(
            {
                "url": "http://127.0.0.1:1/api/webhooks/22370470/3d89bb7572e0fb30d812",
                "username": "Operations",
                "avatar_url": "https://example.com/ops.png",
                "mentions": ["here", "role:41771983423143937"],
                "thread_id": None,
                "forum": True,
                "overflow": "attach",
                "timeout_seconds": 1,
                "retry_seconds": 0,
                "allow_private": True,
                "allow_http": True,
                "ca_certificates": None,
            }
        )


class TestTeamsWebhook(CoreContract):
    @pytest.fixture
    def block(self) -> Block:
        return TeamsWebhook.model_validate(
            {
                "url": "http://127.0.0.1:1/workflows/0a4f7d2c/invoke?api-version=1&sig=Zk3q9wVx",
                "overflow": "split",
                "timeout_seconds": 1,
                "retry_seconds": 0,
                "allow_private": True,
                "allow_http": True,
                "ca_certificates": None,
            }
        )


class TestPagerDuty(CoreContract):
    @pytest.fixture
    def block(self) -> Block:
        return PagerDuty.model_validate(
            {
                "routing_key": "e93facc04764012d7bfb002500d5d1a6",
                "region": "eu",
                "source": "db1.example.com",
                "component": "postgres",
                "group": "app-stack",
                "event_class": "disk",
                "resolve_on_success": False,
                "endpoint": "http://127.0.0.1:1/proxy/5b8e0c17/enqueue",
                "timeout_seconds": 1,
                "retry_seconds": 0,
                "allow_private": True,
                "allow_http": True,
                "ca_certificates": None,
            }
        )


def test_every_block_of_the_core_is_tried() -> None:
    """No block of the core is left out of this module."""
    tried = {
        "apprise",
        "secret",
        "basic-auth",
        "settings",
        "database-url",
        "local-storage",
        "notify-route",
        "console",
        "email",
        "webhook",
        "discord-webhook",
        "pagerduty",
        "teams-webhook",
    }
    assert set(Registry(discover=False).names("blocks")) & tried == tried
    core = Registry(discover=False)
    ours = {slug for slug, origin in core.names("blocks").items() if origin == "brickwork"}
    assert ours == tried
