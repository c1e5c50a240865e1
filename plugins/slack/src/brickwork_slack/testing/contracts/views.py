"""Conformance of the tasks on home tabs and modals."""

from collections.abc import Mapping
from typing import Any

from brickwork_slack.blockkit import header, section
from brickwork_slack.testing.contracts.tasks import SlackTaskContract
from brickwork_slack.testing.server import SlackServer
from brickwork_slack.testing.state import View
from brickwork_slack.views.building import modal


class TestPublishHome(SlackTaskContract):
    """publish_home."""

    name = "slack.publish_home"
    arguments = {"blocks": [{**header("Your deployments"), "block_id": "top"}]}

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return a person."""
        return {"user": server.ada.id}


class ModalTaskContract(SlackTaskContract):
    """A task on a modal."""

    arguments = {
        # With an id, so that Slack makes none.
        "view": modal("Deploy", [{**section("Sure?"), "block_id": "question"}], submit="Yes")
    }

    def open_one(self, server: SlackServer) -> View:
        """Let a modal be open."""
        view = View(server.new_id("V"), server.ada.id, modal("First", [section("Hello")]))
        server.workspace.views[view.id] = view
        return view


class _Unspent(dict[str, tuple[str, float]]):
    """Triggers that are good more than once, since a contract calls a task twice."""

    def __setitem__(self, trigger: str, state: tuple[str, float]) -> None:
        """Forget that one was used."""


class OpeningTaskContract(ModalTaskContract):
    """A task that takes a trigger, which is good for once."""

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return a trigger that is good for the second call, too."""
        trigger = server.trigger()
        server.workspace.triggers = _Unspent(server.workspace.triggers)
        return {**super().prepare(server), "trigger_id": trigger}

    def same(self, one: Any, two: Any) -> bool:
        """Return whether both show the same; each is one of its own."""
        return bool((one.kind, one.blocks) == (two.kind, two.blocks))


class TestOpenView(OpeningTaskContract):
    """open_view."""

    name = "slack.open_view"


class TestPushView(OpeningTaskContract):
    """push_view."""

    name = "slack.push_view"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Let a modal be open."""
        self.open_one(server)
        return super().prepare(server)


class TestUpdateView(ModalTaskContract):
    """update_view."""

    name = "slack.update_view"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Let a modal be open."""
        return {**super().prepare(server), "view_id": self.open_one(server).id}
