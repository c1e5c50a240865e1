"""``auth.*``, ``api.test``, ``team.info``, ``bots.info`` and ``emoji.list``."""

from typing import Any

from brickwork_slack.testing.call import Call
from brickwork_slack.testing.methods.registry import method
from brickwork_slack.testing.state import User
from brickwork_slack.testing.traffic import Refused


@method("auth.test", kinds=("bot", "user", "app"))
def auth_test(call: Call) -> dict[str, Any]:
    """Who the token is of: https://docs.slack.dev/reference/methods/auth.test."""
    workspace = call.workspace
    answer: dict[str, Any] = {
        "url": f"https://{workspace.domain}.slack.com/",
        "team": workspace.name,
        "user": call.user.name,
        "team_id": workspace.id,
        "user_id": call.user.id,
        "is_enterprise_install": False,
    }
    if call.user.bot_id:
        answer["bot_id"] = call.user.bot_id
    if call.identity.kind == "app":
        answer = {"app_id": call.server.app_id, "app_name": call.user.real_name}
    return answer


@method("auth.revoke", kinds=("bot", "user", "app"))
def auth_revoke(call: Call) -> dict[str, Any]:
    """End the token: https://docs.slack.dev/reference/methods/auth.revoke."""
    if not call.flag("test"):
        call.identity.gone = "token_revoked"
    return {"revoked": not call.flag("test")}


@method("api.test", kinds=("bot", "user", "app"))
def api_test(call: Call) -> dict[str, Any]:
    """Answer with what was sent: https://docs.slack.dev/reference/methods/api.test."""
    if call.text("error"):
        raise Refused(call.text("error"), args=dict(call.arguments))
    return {"args": dict(call.arguments)}


@method("team.info", "team:read")
def team_info(call: Call) -> dict[str, Any]:
    """About the workspace: https://docs.slack.dev/reference/methods/team.info."""
    workspace = call.workspace
    if call.text("team", workspace.id) != workspace.id:
        raise Refused("team_not_found")
    url = f"https://{workspace.domain}.slack.com/"
    team = {"id": workspace.id, "name": workspace.name, "domain": workspace.domain, "url": url}
    return {"team": {**team, "email_domain": "", "icon": {"image_default": True}}}


def bot_of(call: Call, bot_id: str) -> User | None:
    """Return the user of a bot."""
    return next((user for user in call.workspace.users.values() if user.bot_id == bot_id), None)


@method("bots.info", "users:read")
def bots_info(call: Call) -> dict[str, Any]:
    """About a bot: https://docs.slack.dev/reference/methods/bots.info."""
    found = bot_of(call, call.text("bot"))
    if found is None:
        raise Refused("bot_not_found")
    return {
        "bot": {
            "id": found.bot_id,
            "deleted": found.deleted,
            "name": found.real_name,
            "updated": 0,
            "app_id": call.server.app_id,
            "user_id": found.id,
        }
    }


@method("emoji.list", "emoji:read")
def emoji_list(call: Call) -> dict[str, Any]:
    """The workspace's own emoji: https://docs.slack.dev/reference/methods/emoji.list."""
    return {"emoji": dict(call.workspace.emoji), "cache_ts": str(call.now)}
