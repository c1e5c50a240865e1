"""Which of Slack's methods may be called again where the answer to the first call was lost.

See https://docs.slack.dev/reference/methods.
"""

import re

_READING = re.compile(r"(list|get|lookup)([A-Z]\w*)?|test|validate|info|teamInfo|history|replies")
_ALSO_READING = frozenset(
    {
        *("admin.conversations.search", "admin.workflows.search", "apps.connections.open"),
        *("apps.manifest.export", "conversations.members", "openid.connect.userInfo"),
        *("rtm.connect", "search.all", "search.files", "search.messages", "team.accessLogs"),
        *("team.billableInfo", "team.integrationLogs", "users.conversations", "users.identity"),
    }
)

_SAME = {
    "bookmarks.edit": (),
    "bookmarks.remove": ("not_found",),
    "chat.delete": ("message_not_found",),
    "chat.deleteScheduledMessage": ("invalid_scheduled_message_id",),
    "chat.unfurl": (),
    "chat.update": (),
    "conversations.archive": ("already_archived",),
    "conversations.close": (),
    "conversations.invite": ("already_in_channel",),
    "conversations.join": (),
    "conversations.kick": ("not_in_channel",),
    "conversations.leave": (),
    "conversations.mark": (),
    "conversations.open": (),
    "conversations.rename": (),
    "conversations.setPurpose": (),
    "conversations.setTopic": (),
    "conversations.unarchive": ("not_archived",),
    "dnd.endDnd": (),
    "dnd.endSnooze": ("snooze_not_active",),
    "dnd.setSnooze": (),
    "files.delete": ("file_deleted", "file_not_found"),
    "pins.add": ("already_pinned",),
    "pins.remove": ("no_pin", "not_pinned"),
    "reactions.add": ("already_reacted",),
    "reactions.remove": ("no_reaction",),
    "usergroups.disable": ("already_disabled",),
    "usergroups.enable": ("already_enabled",),
    "usergroups.update": (),
    "usergroups.users.update": (),
    "users.profile.set": (),
    "users.setPresence": (),
    "views.publish": (),
}
"""Methods that mean the same when they come twice, and what Slack says to the second call."""


def is_harmless(method: str) -> bool:
    """Tell whether a method changes nothing, or means the same when it is called twice."""
    if method in _SAME or method in _ALSO_READING:
        return True
    return _READING.fullmatch(method.rpartition(".")[2]) is not None


def says_done_before(method: str, error: str) -> bool:
    """Tell whether an error of a second call says that the first one did it."""
    return error in _SAME.get(method, ())
