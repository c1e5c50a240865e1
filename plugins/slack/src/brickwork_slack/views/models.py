"""What Slack answers about views."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from brickwork import register_type


@register_type("slack.shown-view")
@dataclass(frozen=True)
class ShownView:
    """A home tab or a modal, as Slack keeps it.

    See https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload.

    Attributes:
        id: ``V...``.
        kind: ``home`` or ``modal``.
        callback_id: What the app calls views of its kind; empty if nothing.
        external_id: What the app calls this one; empty if nothing.
        private_metadata: What the app keeps in it; people do not see it.
        hash: Changes with it: an update that names it is refused if somebody was quicker.
        root_id: The id of the modal that is at the bottom.
        previous_id: The id of the modal below this one; None if there is none.
        blocks: As Slack keeps them.
    """

    id: str
    kind: Literal["home", "modal"]
    callback_id: str
    external_id: str
    private_metadata: str
    hash: str
    root_id: str
    previous_id: str | None
    blocks: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from Slack's answer."""
        return cls(
            id=found["id"],
            kind=found["type"],
            callback_id=found.get("callback_id") or "",
            external_id=found.get("external_id") or "",
            private_metadata=found.get("private_metadata") or "",
            hash=found.get("hash") or "",
            root_id=found.get("root_view_id") or "",
            previous_id=found.get("previous_view_id"),
            blocks=tuple(found.get("blocks") or ()),
        )
