"""Slack for Brickwork: credentials, messages, notifiers, receivers and prebuilt tasks.

The names are imported when they are asked for, so that a program that only loads credentials pays
for nothing else; slack_sdk is imported when the first client is made.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brickwork_slack.approvals.tasks import (
        Approval as Approval,
        ask_approval as ask_approval,
    )
    from brickwork_slack.approvals.waiting import (
        Decision as Decision,
        approval_handlers as approval_handlers,
    )
    from brickwork_slack.bookmarks import (
        Bookmark as Bookmark,
        add_bookmark as add_bookmark,
        edit_bookmark as edit_bookmark,
        list_bookmarks as list_bookmarks,
        remove_bookmark as remove_bookmark,
    )
    from brickwork_slack.bot import SlackChannel as SlackChannel
    from brickwork_slack.conversations.history import (
        read_history as read_history,
        read_replies as read_replies,
    )
    from brickwork_slack.conversations.members import (
        close_conversation as close_conversation,
        invite_to_conversation as invite_to_conversation,
        join_conversation as join_conversation,
        kick_from_conversation as kick_from_conversation,
        leave_conversation as leave_conversation,
        list_conversation_members as list_conversation_members,
        mark_conversation as mark_conversation,
        open_conversation as open_conversation,
    )
    from brickwork_slack.conversations.models import (
        ChannelMessage as ChannelMessage,
        Conversation as Conversation,
        DirectMessage as DirectMessage,
        ReactionCount as ReactionCount,
    )
    from brickwork_slack.conversations.tasks import (
        archive_conversation as archive_conversation,
        create_conversation as create_conversation,
        get_conversation as get_conversation,
        list_conversations as list_conversations,
        rename_conversation as rename_conversation,
        set_conversation_purpose as set_conversation_purpose,
        set_conversation_topic as set_conversation_topic,
        unarchive_conversation as unarchive_conversation,
    )
    from brickwork_slack.credentials import SlackCredentials as SlackCredentials
    from brickwork_slack.errors import (
        SlackConflict as SlackConflict,
        SlackDenied as SlackDenied,
        SlackError as SlackError,
        SlackInvalid as SlackInvalid,
        SlackNotFound as SlackNotFound,
        SlackRateLimited as SlackRateLimited,
        SlackTimeout as SlackTimeout,
        SlackUnavailable as SlackUnavailable,
        SlackUncertain as SlackUncertain,
    )
    from brickwork_slack.files.models import (
        File as File,
        FileShare as FileShare,
    )
    from brickwork_slack.files.sources import (
        Upload as Upload,
    )
    from brickwork_slack.files.tasks import (
        delete_file as delete_file,
        download_file as download_file,
        get_file as get_file,
        list_files as list_files,
        read_file as read_file,
        wait_for_file as wait_for_file,
    )
    from brickwork_slack.files.uploading import (
        upload_file as upload_file,
        upload_files as upload_files,
    )
    from brickwork_slack.generic import (
        slack_call as slack_call,
    )
    from brickwork_slack.live_message import LiveMessage as LiveMessage
    from brickwork_slack.manifest import (
        manifest_for as manifest_for,
        scopes_for as scopes_for,
    )
    from brickwork_slack.messages.models import (
        PostedMessage as PostedMessage,
        ScheduledMessage as ScheduledMessage,
    )
    from brickwork_slack.messages.scheduling import (
        delete_scheduled_message as delete_scheduled_message,
        list_scheduled_messages as list_scheduled_messages,
        schedule_message as schedule_message,
    )
    from brickwork_slack.messages.tasks import (
        delete_message as delete_message,
        get_permalink as get_permalink,
        post_ephemeral as post_ephemeral,
        post_message as post_message,
        update_message as update_message,
    )
    from brickwork_slack.pins import (
        Pin as Pin,
        add_pin as add_pin,
        list_pins as list_pins,
        remove_pin as remove_pin,
    )
    from brickwork_slack.reactions import (
        add_reaction as add_reaction,
        get_reactions as get_reactions,
        list_reactions as list_reactions,
        remove_reaction as remove_reaction,
    )
    from brickwork_slack.receivers.answers import (
        answers as answers,
        view_errors as view_errors,
        view_push as view_push,
        view_update as view_update,
        views_clear as views_clear,
    )
    from brickwork_slack.receivers.asgi import (
        SlackApp as SlackApp,
        slack_app as slack_app,
    )
    from brickwork_slack.receivers.events import (
        AppHomeOpenedEvent as AppHomeOpenedEvent,
        AppMentionEvent as AppMentionEvent,
        FileEvent as FileEvent,
        MessageEvent as MessageEvent,
        ReactionEvent as ReactionEvent,
        SlackEvent as SlackEvent,
    )
    from brickwork_slack.receivers.interactions import (
        BlockActions as BlockActions,
        BlockSuggestion as BlockSuggestion,
        MessageAction as MessageAction,
        Shortcut as Shortcut,
        SlackInteraction as SlackInteraction,
        SlashCommand as SlashCommand,
        ViewClosed as ViewClosed,
        ViewSubmission as ViewSubmission,
    )
    from brickwork_slack.receivers.socket_mode import (
        SocketMode as SocketMode,
        socket_mode as socket_mode,
    )
    from brickwork_slack.response_url import (
        delete_original as delete_original,
        respond as respond,
    )
    from brickwork_slack.search.models import (
        FoundFile as FoundFile,
        FoundMessage as FoundMessage,
        SearchResults as SearchResults,
    )
    from brickwork_slack.search.tasks import (
        search_files as search_files,
        search_messages as search_messages,
    )
    from brickwork_slack.usergroups.models import (
        UserGroup as UserGroup,
    )
    from brickwork_slack.usergroups.tasks import (
        create_user_group as create_user_group,
        disable_user_group as disable_user_group,
        enable_user_group as enable_user_group,
        list_user_group_members as list_user_group_members,
        list_user_groups as list_user_groups,
        set_user_group_members as set_user_group_members,
        update_user_group as update_user_group,
    )
    from brickwork_slack.users.models import (
        DoNotDisturb as DoNotDisturb,
        Presence as Presence,
        Status as Status,
        User as User,
    )
    from brickwork_slack.users.presence import (
        clear_status as clear_status,
        end_do_not_disturb as end_do_not_disturb,
        end_snooze as end_snooze,
        get_do_not_disturb as get_do_not_disturb,
        get_presence as get_presence,
        get_status as get_status,
        set_presence as set_presence,
        set_status as set_status,
        snooze_notifications as snooze_notifications,
    )
    from brickwork_slack.users.tasks import (
        get_user as get_user,
        list_users as list_users,
        look_up_user as look_up_user,
    )
    from brickwork_slack.views.building import (
        home as home,
        modal as modal,
    )
    from brickwork_slack.views.models import (
        ShownView as ShownView,
    )
    from brickwork_slack.views.tasks import (
        open_view as open_view,
        publish_home as publish_home,
        push_view as push_view,
        update_view as update_view,
    )
    from brickwork_slack.webhook import (
        SlackWebhook as SlackWebhook,
        send_webhook as send_webhook,
    )

_HOMES = {
    "approvals.tasks": "Approval ask_approval",
    "approvals.waiting": "Decision approval_handlers",
    "live_message": "LiveMessage",
    "bookmarks": "Bookmark add_bookmark edit_bookmark list_bookmarks remove_bookmark",
    "bot": "SlackChannel",
    "credentials": "SlackCredentials",
    "conversations.history": "read_history read_replies",
    "conversations.members": (
        "close_conversation invite_to_conversation join_conversation kick_from_conversation "
        "leave_conversation list_conversation_members mark_conversation open_conversation"
    ),
    "conversations.models": "ChannelMessage Conversation DirectMessage ReactionCount",
    "conversations.tasks": (
        "archive_conversation create_conversation get_conversation list_conversations "
        "rename_conversation set_conversation_purpose set_conversation_topic "
        "unarchive_conversation"
    ),
    "errors": (
        "SlackConflict SlackDenied SlackError SlackInvalid SlackNotFound SlackRateLimited "
        "SlackTimeout SlackUnavailable SlackUncertain"
    ),
    "files.models": "File FileShare",
    "files.sources": "Upload",
    "files.tasks": "delete_file download_file get_file list_files read_file wait_for_file",
    "files.uploading": "upload_file upload_files",
    "generic": "slack_call",
    "manifest": "manifest_for scopes_for",
    "messages.models": "PostedMessage ScheduledMessage",
    "messages.scheduling": "delete_scheduled_message list_scheduled_messages schedule_message",
    "messages.tasks": "delete_message get_permalink post_ephemeral post_message update_message",
    "pins": "Pin add_pin list_pins remove_pin",
    "reactions": "add_reaction get_reactions list_reactions remove_reaction",
    "receivers.answers": "answers view_errors view_push view_update views_clear",
    "receivers.asgi": "SlackApp slack_app",
    "receivers.events": (
        "AppHomeOpenedEvent AppMentionEvent FileEvent MessageEvent ReactionEvent SlackEvent"
    ),
    "receivers.interactions": (
        "BlockActions BlockSuggestion MessageAction Shortcut SlackInteraction SlashCommand "
        "ViewClosed ViewSubmission"
    ),
    "receivers.socket_mode": "SocketMode socket_mode",
    "response_url": "delete_original respond",
    "search.models": "FoundFile FoundMessage SearchResults",
    "search.tasks": "search_files search_messages",
    "usergroups.models": "UserGroup",
    "usergroups.tasks": (
        "create_user_group disable_user_group enable_user_group list_user_group_members "
        "list_user_groups set_user_group_members update_user_group"
    ),
    "users.models": "DoNotDisturb Presence Status User",
    "users.presence": (
        "clear_status end_do_not_disturb end_snooze get_do_not_disturb get_presence "
        "get_status set_presence set_status snooze_notifications"
    ),
    "users.tasks": "get_user list_users look_up_user",
    "views.building": "home modal",
    "views.models": "ShownView",
    "views.tasks": "open_view publish_home push_view update_view",
    "webhook": "SlackWebhook send_webhook",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]  # lazy


def __getattr__(name: str) -> object:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'brickwork_slack' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"brickwork_slack.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
