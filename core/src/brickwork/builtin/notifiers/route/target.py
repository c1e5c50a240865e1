"""One target of a route: where to, and what for."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from brickwork.block import Block
from brickwork.notifier import MessageTemplate, Notification, Notifier, Severity


class RouteTarget(BaseModel):
    """Where a route sends to, and which notifications."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    to: Block = Field(description="A block that is a notifier.")
    at_least: Severity = Field(
        default=Severity.INFO, description="The least severity that it is sent."
    )
    tags: frozenset[str] = Field(
        default=frozenset(),
        description="Send it only notifications with one of these tags; all if there are none.",
    )
    backup: bool = Field(
        default=False, description="Send to it only where the target before it fails."
    )
    template: MessageTemplate | None = Field(
        default=None, description="How notifications are worded for it."
    )

    @field_validator("to", mode="after")
    @classmethod
    def _check_to(cls, block: Block) -> Block:
        if not isinstance(block, Notifier):
            called = type(block).__dict__.get("slug", type(block).__name__)
            raise ValueError(f"a {called} block is no notifier")
        return block

    @property
    def notifier(self) -> Notifier:
        """The block, as what it was checked to be."""
        block: Any = self.to
        notifier: Notifier = block
        return notifier

    def takes(self, notification: Notification) -> bool:
        """Tell whether a notification is for this target."""
        if self.tags and not self.tags & notification.tags:
            return False
        return notification.severity.reaches(self.at_least)
