"""Conformance of the tasks on pins."""

from collections.abc import Mapping
from typing import Any

from brickwork_slack.testing.contracts.tasks import SlackTaskContract
from brickwork_slack.testing.server import SlackServer


class PinTaskContract(SlackTaskContract):
    """A task on a message that is pinned."""

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Let ``ada`` pin a message."""
        message = server.say(server.general, "Deploying")
        server.general.pins.append((message.ts, server.ada.id, 1_700_000_000))
        return {"channel": message.channel, "ts": message.ts}


class TestAddPin(PinTaskContract):
    """add_pin."""

    name = "slack.add_pin"


class TestRemovePin(PinTaskContract):
    """remove_pin."""

    name = "slack.remove_pin"


class TestListPins(PinTaskContract):
    """list_pins."""

    name = "slack.list_pins"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Let ``ada`` pin a message."""
        return {"channel": super().prepare(server)["channel"]}
