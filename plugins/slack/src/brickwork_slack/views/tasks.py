"""Prebuilt tasks on home tabs and modals: https://docs.slack.dev/surfaces."""

from collections.abc import Mapping, Sequence
from typing import Any

from brickwork_slack.blockkit import Block
from brickwork_slack.calls import ask
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.errors import SlackInvalid
from brickwork_slack.resolving import user_id
from brickwork_slack.tasks import slack_task
from brickwork_slack.views.building import checked_view, home
from brickwork_slack.views.models import ShownView


@slack_task()
async def publish_home(
    credentials: SlackCredentials,
    user: str,
    blocks: Sequence[Block],
    *,
    callback_id: str | None = None,
    external_id: str | None = None,
    private_metadata: str | None = None,
    expected_hash: str | None = None,
) -> ShownView:
    """Fill the home tab of an app for a user; what was there is replaced.

    The app has a home tab if its settings say so, under App Home. See
    https://docs.slack.dev/reference/methods/views.publish.

    Args:
        credentials: Whose.
        user: For whom: an id, ``@name`` or an e-mail address.
        blocks: At most 100, as `brickwork_slack.blockkit` makes them.
        callback_id: What the app calls its home tabs.
        external_id: What the app calls this one.
        private_metadata: What the app keeps in it, at most 3,000 characters.
        expected_hash: Of the view that is to be replaced, so that nobody else's change is lost.

    Returns:
        The home tab.

    Raises:
        SlackInvalid: Slack does not take the blocks.
        SlackNotFound: There is no such user.
        SlackConflict: Somebody else changed it since it had the hash.
        SlackError: It was not changed.

    Examples:
        >>> from brickwork_slack.blockkit import header
        >>> publish_home(credentials, "@ada", [header("Your deployments")]).kind
        'home'
    """
    view = checked_view(
        home(
            blocks,
            callback_id=callback_id,
            external_id=external_id,
            private_metadata=private_metadata,
        )
    )
    key = await user_id(credentials, user)
    answer = await ask(credentials, "views.publish", user_id=key, view=view, hash=expected_hash)
    return ShownView.of(answer["view"])


@slack_task(retried=False)
async def open_view(
    credentials: SlackCredentials, trigger_id: str, view: Mapping[str, Any]
) -> ShownView:
    """Open a modal for the user who did something: pressed a button, used a shortcut or command.

    Not retried: a trigger is good for three seconds, and once. See
    https://docs.slack.dev/reference/methods/views.open.

    Args:
        credentials: Whose.
        trigger_id: From what the user did.
        view: The modal, as `modal` makes it.

    Returns:
        The modal.

    Raises:
        SlackInvalid: Slack does not take the view.
        SlackConflict: The trigger is too old, or was used.
        SlackError: It was not opened.

    Examples:
        >>> open_view(credentials, trigger_id, view).kind
        'modal'
    """
    answer = await ask(
        credentials, "views.open", trigger_id=trigger_id, view=checked_view(view, "modal")
    )
    return ShownView.of(answer["view"])


@slack_task(retried=False)
async def push_view(
    credentials: SlackCredentials, trigger_id: str, view: Mapping[str, Any]
) -> ShownView:
    """Put a modal over the one that is open; three can lie over each other.

    Not retried: a trigger is good for three seconds, and once. See
    https://docs.slack.dev/reference/methods/views.push.

    Args:
        credentials: Whose.
        trigger_id: From what the user did in the modal that is open.
        view: The modal, as `modal` makes it.

    Returns:
        The modal.

    Raises:
        SlackInvalid: Slack does not take the view.
        SlackConflict: The trigger is too old, or was used, or three modals are open.
        SlackError: It was not opened.

    Examples:
        >>> push_view(credentials, trigger_id, view).previous_id is not None
        True
    """
    answer = await ask(
        credentials, "views.push", trigger_id=trigger_id, view=checked_view(view, "modal")
    )
    return ShownView.of(answer["view"])


@slack_task()
async def update_view(
    credentials: SlackCredentials,
    view: Mapping[str, Any],
    *,
    view_id: str | None = None,
    external_id: str | None = None,
    expected_hash: str | None = None,
) -> ShownView:
    """Replace a view that is open.

    See https://docs.slack.dev/reference/methods/views.update.

    Args:
        credentials: Whose.
        view: What is shown from now on, as `modal` or `home` makes it.
        view_id: Which one is replaced.
        external_id: Which one, by what the app calls it.
        expected_hash: Of the view that is to be replaced, so that nobody else's change is lost.

    Returns:
        The view as it is now.

    Raises:
        SlackInvalid: Slack does not take the view; or not one of ``view_id`` and ``external_id``
            is given.
        SlackNotFound: It is open no longer.
        SlackConflict: Somebody else changed it since it had the hash.
        SlackError: It was not changed.

    Examples:
        >>> update_view(credentials, view, view_id=view_id).id == view_id
        True
    """
    if (view_id is None) == (external_id is None):
        error = SlackInvalid(
            "A view is updated by `view_id` or by `external_id`.", fix="Give one of them."
        )
        error.method = "views.update"
        raise error
    answer = await ask(
        credentials,
        "views.update",
        view=checked_view(view),
        view_id=view_id,
        external_id=external_id,
        hash=expected_hash,
    )
    return ShownView.of(answer["view"])
