"""Each delivery is handled once: by threads, by processes, and when somebody sends it again."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from brickwork import Secret, Vault, VaultError, ledger_of, use_vault
from brickwork_github import GitHubWebhook, ReplayGuard
from brickwork_github.webhooks.replay import REMEMBER_SECONDS, Claim


@pytest.fixture
def webhook() -> GitHubWebhook:
    """A webhook of which this process remembers nothing yet."""
    return GitHubWebhook(secret=Secret(f"a-secret-of-{time.monotonic_ns()}"))


@pytest.fixture
def guard(webhook: GitHubWebhook) -> ReplayGuard:
    """Its guard."""
    return ReplayGuard(ledger_of(webhook))


def test_a_delivery_is_claimed_once(guard: ReplayGuard) -> None:
    """While it is handled, and after that, it is known."""
    assert guard.claim("d-1") is Claim.FRESH
    assert guard.claim("d-1") is Claim.RUNNING
    guard.done("d-1")
    assert guard.claim("d-1") is Claim.DONE
    assert guard.claim("d-2") is Claim.FRESH


def test_one_that_failed_is_claimed_again(guard: ReplayGuard) -> None:
    """So that GitHub can deliver it anew, body and all."""
    assert guard.claim("d-1", "body") is Claim.FRESH
    guard.failed("d-1", "body")
    assert guard.claim("d-1", "body") is Claim.FRESH
    guard.failed("d-1", "body")
    assert guard.claim("d-2", "body") is Claim.FRESH


def test_a_body_under_another_id_is_known(guard: ReplayGuard) -> None:
    """GitHub does not sign the id: who has a delivery could send it under a new one."""
    assert guard.claim("d-1", "body") is Claim.FRESH
    assert guard.claim("d-2", "body") is Claim.COPY
    guard.done("d-1", "body")
    assert guard.claim("d-2", "body") is Claim.COPY
    assert guard.claim("d-3", "another body") is Claim.FRESH


def test_a_body_that_may_repeat_is_not_remembered(guard: ReplayGuard) -> None:
    """Two requests for the same thing are two."""
    assert guard.claim("d-1") is Claim.FRESH
    assert guard.claim("d-2") is Claim.FRESH


def test_deliveries_are_forgotten_after_the_window(
    guard: ReplayGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For three days GitHub can deliver again; what is being handled is known for an hour."""
    now = time.time()
    guard.claim("done", "body")
    guard.done("done", "body")
    guard.claim("died", "body of died")
    monkeypatch.setattr(time, "time", lambda: now + 3_599)
    assert guard.claim("died", "body of died") is Claim.RUNNING
    monkeypatch.setattr(time, "time", lambda: now + 3_601)
    assert guard.claim("died", "body of died") is Claim.FRESH
    monkeypatch.setattr(time, "time", lambda: now + REMEMBER_SECONDS - 10)
    assert guard.claim("done", "body") is Claim.DONE
    monkeypatch.setattr(time, "time", lambda: now + REMEMBER_SECONDS + 10)
    assert guard.claim("done", "body") is Claim.FRESH


def test_what_is_remembered_is_bounded(guard: ReplayGuard, webhook: GitHubWebhook) -> None:
    """A flood of deliveries costs no more than so much memory, and drops the oldest."""
    for number in range(10_050):
        guard.claim(f"d-{number}")
    assert len(ledger_of(webhook).entries()) == 10_000
    assert guard.claim("d-10049") is Claim.RUNNING


def test_of_many_threads_one_gets_it(guard: ReplayGuard) -> None:
    """Sixteen threads, a hundred deliveries: each is fresh once."""
    barrier = Barrier(16)

    def claim_all(_: int) -> list[Claim]:
        barrier.wait()
        return [guard.claim(f"d-{number}") for number in range(100)]

    with ThreadPoolExecutor(16) as threads:
        claims = list(threads.map(claim_all, range(16)))
    for of_one in zip(*claims, strict=True):
        assert of_one.count(Claim.FRESH) == 1
        assert of_one.count(Claim.RUNNING) == 15


_CLAIM = """
import sys
from brickwork import ledger_of
from brickwork_github import GitHubWebhook, ReplayGuard
guard = ReplayGuard(ledger_of(GitHubWebhook.load("ci")))
sys.stdin.readline()
print(*[guard.claim(f"d-{number}").value for number in range(20)])
"""


def test_of_many_processes_one_gets_it(isolated: Path) -> None:
    """Those that load a saved webhook remember together, in the vault."""
    GitHubWebhook(secret=Secret("a-secret-of-all-processes")).save("ci")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _CLAIM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    claims = [process.communicate(timeout=60)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    for of_one in zip(*claims, strict=True):
        assert of_one.count("fresh") == 1
    assert len(claims[0]) == 20


def test_what_a_saved_webhook_remembers_stays(tmp_path: Path, isolated: Path) -> None:
    """A program that is started again knows what came before."""
    GitHubWebhook(secret=Secret("a-secret-that-is-saved")).save("ci")
    ReplayGuard(ledger_of(GitHubWebhook.load("ci"))).claim("d-1", "body")
    again = ReplayGuard(ledger_of(GitHubWebhook.load("ci")))
    assert again.claim("d-1", "body") is Claim.RUNNING
    assert again.claim("d-2", "body") is Claim.COPY


def test_a_ledger_that_cannot_be_read_is_an_error(memory_vault: Vault) -> None:
    """The guard does not say that something is fresh when it cannot know."""
    with use_vault(memory_vault):
        GitHubWebhook(secret=Secret("a-secret-that-is-saved")).save("ci")
        guard = ReplayGuard(ledger_of(GitHubWebhook.load("ci")))
        memory_vault.close()
        Path(memory_vault.store.location).write_bytes(b"no database any more" * 1000)
        with pytest.raises(VaultError):
            guard.claim("d-1")
