"""Slack's error codes as errors that say what to do.

The codes of each method are on its page, see https://docs.slack.dev/reference/methods.
"""

import re
from collections.abc import Mapping
from typing import Any

from brickwork import mask
from brickwork_slack.errors import (
    SlackConflict,
    SlackDenied,
    SlackError,
    SlackInvalid,
    SlackNotFound,
    SlackRateLimited,
    SlackUnavailable,
)
from brickwork_slack.limits import seconds_asked

_MOST_MESSAGES = 10

_AGAIN = "Try again; look at https://slack-status.com."
_RENEW = "Make a new token in the app's settings, under OAuth & Permissions, and save it."
_CHANNEL = "Give the id of a channel; a private one is only seen by its members: invite the app."
_USER = "Give the id of a user of this workspace; bots and deleted users are none for this."
_FILE = "Give the id of a file that these credentials may see."
_MESSAGE = "Give the channel's id and the message's ts, as the answer to posting it had them."
_BLOCKS = "Look at the blocks; brickwork_slack.blockkit.checked() says more."
_RESTRICTED = "An administrator of the workspace has restricted it: ask them."
_SHORTER = "Give less: brickwork_slack.blockkit cuts texts where Slack's limits are."
_NAME = "Names have at most 80 lower-case letters, digits, hyphens and underscores."

_FIXES: dict[type[SlackError], dict[str, str]] = {
    SlackNotFound: {
        "bookmark_not_found": "List the bookmarks of the channel for their ids.",
        "channel_not_found": _CHANNEL,
        "file_deleted": _FILE,
        "file_not_found": _FILE,
        "invalid_scheduled_message_id": "It was sent already, or never scheduled: list them.",
        "message_not_found": _MESSAGE,
        "no_reaction": "List the reactions of the message.",
        "no_such_subteam": "Give the id of a user group of this workspace, or its @handle.",
        "not_found": "Look whether it was deleted meanwhile.",
        "subteam_not_found": "Give the id of a user group of this workspace, or its @handle.",
        "team_not_found": "Give credentials of this workspace, or another team_id.",
        "thread_not_found": _MESSAGE,
        "user_disabled": _USER,
        "user_is_deactivated": _USER,
        "user_not_found": _USER,
        "user_not_visible": _USER,
        "users_not_found": _USER,
        "view_not_found": "The view was closed, or its id is another one.",
    },
    SlackDenied: {
        "access_denied": _RESTRICTED,
        "accesslimited": "The workspace may not be reached from this network.",
        "account_inactive": "The app was removed, or its user deactivated: install it again.",
        "cannot_update_admin_user": _RESTRICTED,
        "cant_delete_file": "Only who uploaded a file may delete it, or an administrator.",
        "cant_delete_message": "Only who posted a message may delete it.",
        "cant_invite": "This user cannot be invited here; guests and other workspaces' often not.",
        "cant_invite_self": "Who asks is in the channel, or has to be invited by a member.",
        "cant_update_message": "Only who posted a message may change it.",
        "ekm_access_denied": _RESTRICTED,
        "enterprise_is_restricted": "Give the token of a workspace, not that of the organization.",
        "invalid_auth": _RENEW,
        "invalid_token": _RENEW,
        "missing_scope": "Add it in the app's settings, and install the app again.",
        "no_permission": _RESTRICTED,
        "not_admin": "Only those who administer a paid workspace may do it for others.",
        "not_allowed_token_type": "Give a token of the kind that the method takes.",
        "not_authed": _RENEW,
        "not_authorized": _RESTRICTED,
        "not_in_channel": "Invite the app to the channel, or let it join: slack.join_conversation.",
        "org_login_required": "The workspace is moving to an organization: try again later.",
        "paid_only": "The workspace needs a paid plan for this.",
        "paid_teams_only": "The workspace needs a paid plan for this.",
        "permission_denied": _RESTRICTED,
        "restricted_action": _RESTRICTED,
        "team_access_not_granted": "Install the app in this workspace.",
        "token_expired": _RENEW,
        "token_revoked": _RENEW,
        "two_factor_setup_required": "The token's user must set up two-factor authentication.",
        "user_is_bot": "Give a user's token: a bot cannot do this.",
        "user_is_restricted": "The token's user is a guest, who may not do this.",
    },
    SlackConflict: {
        "already_archived": "Nothing is to be done.",
        "already_disabled": "Nothing is to be done.",
        "already_enabled": "Nothing is to be done.",
        "already_in_channel": "Nothing is to be done.",
        "already_pinned": "Nothing is to be done.",
        "already_reacted": "Nothing is to be done.",
        "cant_archive_general": "Every workspace keeps its general channel.",
        "cant_kick_from_general": "Everybody is in the general channel.",
        "cant_kick_self": "Leave the channel instead: slack.leave_conversation.",
        "cant_leave_general": "Everybody is in the general channel.",
        "duplicate_external_id": "Another view has this external_id: take another one.",
        "edit_window_closed": "The workspace lets messages be changed for a time only.",
        "exchanged_trigger_id": "A trigger serves once.",
        "expired_trigger_id": "Answer within 3 seconds after the click.",
        "handle_already_exists": "Take another handle: no user, channel or group may have it.",
        "hash_conflict": "The view was changed meanwhile: look at it, and give its new hash.",
        "is_archived": "Unarchive the channel first: slack.unarchive_conversation.",
        "last_member": "A private channel keeps its last member: archive it instead.",
        "max_channels_limit_reached": "Archive channels that nobody needs.",
        "method_not_supported_for_channel_type": "Give a channel of another kind.",
        "name_already_exists": "Take another name.",
        "name_taken": "Take another name, or if_exists='use' where a task has it.",
        "name_taken_in_org": "Take another name.",
        "no_pin": "Nothing is to be done.",
        "not_archived": "Nothing is to be done.",
        "not_pinned": "Nothing is to be done.",
        "push_limit_reached": "Three modals lie over each other at most: update one instead.",
        "snooze_not_active": "Nothing is to be done.",
        "too_many_pins": "A channel has 100 pins at most: remove one.",
        "too_many_emoji": "A user gives a message 23 reactions at most: remove one.",
        "too_many_reactions": "A message has 50 reactions at most, 23 of them of one user.",
    },
    SlackInvalid: {
        "alt_txt_too_large": "Give an alt_text of 1,000 characters at most.",
        "blocked_file_type": "The workspace allows no files of this type.",
        "file_type_not_allowed": "The workspace allows no files of this type.",
        "file_upload_size_restricted": "The workspace allows no files of this size.",
        "file_uploads_disabled": _RESTRICTED,
        "file_uploads_except_images_disabled": _RESTRICTED,
        "invalid_arg_name": "Look at the names of the arguments.",
        "invalid_arguments": "Look at the arguments; Slack's messages say more.",
        "invalid_attachments": _BLOCKS,
        "invalid_blocks": _BLOCKS,
        "invalid_blocks_format": _BLOCKS,
        "invalid_cursor": "Begin again without a cursor.",
        "invalid_link": "Give a link that begins with https:// or http://.",
        "invalid_metadata_format": "Give metadata as {'event_type': ..., 'event_payload': {...}}.",
        "invalid_name": _NAME,
        "invalid_name_maxlength": _NAME,
        "invalid_name_specials": _NAME,
        "invalid_presence": "Give auto or away.",
        "invalid_time": "Give a time to come, with its time zone.",
        "invalid_trigger": "Give the trigger_id of something that a user did just now.",
        "invalid_trigger_id": "Give the trigger_id of something that a user did just now.",
        "invalid_ts_latest": "Give a ts, as in 1700000000.000100.",
        "invalid_ts_oldest": "Give a ts, as in 1700000000.000100.",
        "invalid_users": "Give the ids of users of this workspace who are not deactivated.",
        "metadata_too_large": "Give less metadata: 4 KiB at most.",
        "msg_blocks_too_long": _SHORTER,
        "msg_too_long": _SHORTER,
        "no_query": "Give what to search for.",
        "no_text": "Give a text or blocks.",
        "posting_to_general_channel_denied": _RESTRICTED,
        "profile_status_set_failed_not_valid_emoji": "Give an emoji of the workspace, as :tada:.",
        "snippet_too_large": "Upload it as a file: without a snippet_type.",
        "slack_connect_file_link_sharing_blocked": _RESTRICTED,
        "time_in_past": "Give a time to come.",
        "time_too_far": "Messages can be scheduled 120 days ahead.",
        "too_long": _SHORTER,
        "too_many_attachments": "Give 100 attachments at most.",
        "too_many_users": "Give fewer users at once.",
        "unknown_method": "Look at https://docs.slack.dev/reference/methods for its name.",
    },
    SlackUnavailable: {
        "fatal_error": _AGAIN,
        "internal_error": _AGAIN,
        "request_timeout": "The request came to Slack in part only: check the network.",
        "service_unavailable": _AGAIN,
        "team_added_to_org": "The workspace is moving to an organization: try again later.",
    },
}
_BY_CODE = {code: (kind, fix) for kind, fixes in _FIXES.items() for code, fix in fixes.items()}
_BY_METHOD = {
    ("reactions.add", "invalid_name"): (
        SlackInvalid,
        "Give the name of an emoji that this workspace has, as 'thumbsup'.",
    ),
}
"""What a code means where that is not what it means elsewhere."""

_NOTHING_TAKEN = frozenset({"request_timeout", "team_added_to_org"})
_CODE = re.compile(r"[a-z0-9_:.-]{1,100}")
_OK, _TOO_LATE, _SERVER_ERROR, _GATEWAY_TIMEOUT = 200, 408, 500, 504


def error_of(
    method: str, status: int, answer: Mapping[str, Any], headers: Mapping[str, str], whose: str
) -> SlackError:
    """Return the error that an answer means.

    Args:
        method: The method of the Web API.
        status: The HTTP status.
        answer: What came; empty where that was no JSON of Slack's.
        headers: By any spelling of their names.
        whose: What to call the credentials in the message.
    """
    code = str(answer.get("error") or "")
    if not _CODE.fullmatch(code):  # the SDK's own words for what is no JSON
        code = ""
    given = {name.lower(): value for name, value in headers.items()}
    asked = seconds_asked(status, code, given)
    error: SlackError
    if asked is not None:
        error = SlackRateLimited(
            f"{method}: Slack asks to wait {asked:.0f} s.", fix="Ask for less, or wait."
        )
        error.retry_after_seconds = asked
    else:
        error = _told(method, status, code, answer, whose)
    error.error, error.method, error.status = code, method, status
    return error


def _told(method: str, status: int, code: str, answer: Mapping[str, Any], whose: str) -> SlackError:
    if not code:
        return _wordless(method, status)
    kind, fix = _BY_METHOD.get((method, code)) or _BY_CODE.get(code, (SlackError, ""))
    words = _words(answer)
    said = f"{method} with {whose}: {code}" + (f" ({'; '.join(words)})" if words else "")
    if not fix:
        page = f"https://docs.slack.dev/reference/methods/{method}"
        fix = f"The codes of this method are explained at {page}."
    error = kind(f"{said}.", fix=fix)
    if isinstance(error, SlackInvalid):
        error.messages = words
    if isinstance(error, SlackUnavailable):
        error.never_sent = code in _NOTHING_TAKEN
    if isinstance(error, SlackDenied):
        error.needed, error.provided = _list(answer, "needed"), _list(answer, "provided")
        if error.needed:
            error.what = f"{method} with {whose}: the token lacks the scope {error.needed[0]}."
            error.fix = (
                f"Add {' or '.join(error.needed)} in the app's settings, under OAuth & "
                "Permissions, and install the app again."
            )
    return error


def _wordless(method: str, status: int) -> SlackError:
    """Return the error for what is no answer of the Web API."""
    what = f"{method}: HTTP {status}, and no answer of Slack's."
    fix = "Check `base_url` of the credentials, and proxies between here and Slack."
    if status < _SERVER_ERROR and status not in (_OK, _TOO_LATE):
        return SlackError(what, fix=fix)
    if status >= _SERVER_ERROR:
        what, fix = f"{method}: HTTP {status} from Slack.", _AGAIN
    error = SlackUnavailable(what, fix=fix)
    error.still_at_it = status in (_TOO_LATE, _GATEWAY_TIMEOUT)
    return error


def _words(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is wrong, in Slack's words."""
    metadata = answer.get("response_metadata")
    found = metadata.get("messages") if isinstance(metadata, Mapping) else None
    found = found or answer.get("errors")
    if not isinstance(found, list):
        return ()
    return tuple(mask(_word(each)) for each in found[:_MOST_MESSAGES])


def _word(said: Any) -> str:
    """Return what is wrong with one of several things, as conversations.invite has it."""
    if isinstance(said, Mapping):
        about = next(
            (str(value) for name, value in said.items() if name not in ("ok", "error")), ""
        )
        return f"{about}: {said.get('error')}"
    return str(said).removeprefix("[ERROR] ")


def _list(answer: Mapping[str, Any], name: str) -> tuple[str, ...]:
    parts = str(answer.get(name) or "").split(",")
    return tuple(part.strip() for part in parts if part.strip())
