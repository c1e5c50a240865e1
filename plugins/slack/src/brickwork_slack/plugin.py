"""What this package brings to Brickwork: names and dotted paths, nothing imported."""

from collections.abc import Mapping

from brickwork import hookimpl

brickwork_api = 1

_TASKS: dict[str, str] = {
    "approvals.tasks": "ask_approval",
    "bookmarks": "add_bookmark edit_bookmark list_bookmarks remove_bookmark",
    "conversations.history": "read_history read_replies",
    "conversations.members": (
        "close_conversation invite_to_conversation join_conversation kick_from_conversation "
        "leave_conversation list_conversation_members mark_conversation open_conversation"
    ),
    "conversations.tasks": (
        "archive_conversation create_conversation get_conversation list_conversations "
        "rename_conversation set_conversation_purpose set_conversation_topic unarchive_conversation"
    ),
    "files.tasks": "delete_file download_file get_file list_files read_file wait_for_file",
    "files.uploading": "upload_file upload_files",
    "generic": "slack_call",
    "messages.scheduling": "delete_scheduled_message list_scheduled_messages schedule_message",
    "messages.tasks": ("delete_message get_permalink post_ephemeral post_message update_message"),
    "pins": "add_pin list_pins remove_pin",
    "reactions": "add_reaction get_reactions list_reactions remove_reaction",
    "response_url": "delete_original respond",
    "search.tasks": "search_files search_messages",
    "usergroups.tasks": (
        "create_user_group disable_user_group enable_user_group list_user_group_members "
        "list_user_groups set_user_group_members update_user_group"
    ),
    "users.presence": (
        "clear_status end_do_not_disturb end_snooze get_do_not_disturb get_presence get_status "
        "set_presence set_status snooze_notifications"
    ),
    "users.tasks": "get_user list_users look_up_user",
    "views.tasks": "open_view publish_home push_view update_view",
    "webhook": "send_webhook",
}
"""The tasks of each module."""


@hookimpl
def brickwork_blocks() -> Mapping[str, str]:
    """The blocks."""
    return {
        "slack-channel": "brickwork_slack.bot:SlackChannel",
        "slack-credentials": "brickwork_slack.credentials:SlackCredentials",
        "slack-webhook": "brickwork_slack.webhook:SlackWebhook",
    }


@hookimpl
def brickwork_commands() -> Mapping[str, str]:
    """The commands."""
    return {"slack": "brickwork_slack.cli.slack:group"}


@hookimpl
def brickwork_tasks() -> Mapping[str, str]:
    """The prebuilt tasks."""
    return {
        f"slack.{name}": f"brickwork_slack.{module}:{name}"
        for module, names in _TASKS.items()
        for name in names.split()
    }
