"""One target of a route: where to, and what for."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from brickwork.block import Address, Block
from brickwork.errors import InvalidName, NotifierError
from brickwork.notifier import MessageTemplate, Notification, Notifier, Severity


class RouteTarget(BaseModel):
    """Where a route sends to, and which notifications."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    to: Block | str = Field(
        description="A block that is a notifier; or the address of one as text, which is opened "
        "when something is sent, so that one that cannot be loaded keeps nothing from the others."
    )
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
    def _check_to(cls, to: Block | str) -> Block | str:
        if isinstance(to, str):
            try:
                return str(Address.parse(to))
            except InvalidName as error:
                raise ValueError(error.what) from None
        if not isinstance(to, Notifier):
            raise ValueError(_no_notifier(to))
        return to

    @property
    def label(self) -> str:
        """The target's name in receipts; also of one that cannot tell."""
        if isinstance(self.to, str):
            return self.to
        try:
            return self.opened().describe()
        except Exception:  # noqa: BLE001  # foreign code
            return type(self.to).__name__

    def opened(self) -> Notifier:
        """Return the notifier.

        Raises:
            BrickworkError: The block is not saved, cannot be loaded, or is no notifier.
        """
        block: object = Block.load(self.to) if isinstance(self.to, str) else self.to
        if isinstance(block, Notifier):
            return block
        raise NotifierError(
            f"{self.to}: {_no_notifier(block)}.", fix="Name a block that is a notifier."
        )

    def takes(self, notification: Notification) -> bool:
        """Tell whether a notification is for this target."""
        if self.tags and not self.tags & notification.tags:
            return False
        return notification.severity.reaches(self.at_least)


def _no_notifier(block: object) -> str:
    called = type(block).__dict__.get("slug", type(block).__name__)
    return f"a {called} block is no notifier"
