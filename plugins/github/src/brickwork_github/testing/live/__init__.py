"""Repositories that live in a `GitHubServer`: what is created in them is there afterwards.

Their commits are in a real git repository, which the server also serves to git over HTTP. What
this does not know is answered by the description's examples.

`actions_of`, `issues_of`, `releases_of`, `settings_of` and `statuses_of` return what a repository
keeps; so a test looks at what came of requests, or says how a workflow's next run goes::

    actions_of(repo).planned.append(RunPlan("failure", log="Error: no mortar"))
"""

from collections.abc import Mapping
from functools import cache

from brickwork_github.testing.live.actions import RunPlan, actions_of
from brickwork_github.testing.live.labels import issues_of
from brickwork_github.testing.live.releases import releases_of
from brickwork_github.testing.live.repository import Handler, LiveRepository, Rejected
from brickwork_github.testing.live.settings import settings_of
from brickwork_github.testing.live.statuses import statuses_of
from brickwork_github.testing.messages import Answer, Asked

__all__ = [
    "LiveRepository",
    "RunPlan",
    "actions_of",
    "answer",
    "issues_of",
    "releases_of",
    "settings_of",
    "statuses_of",
]

_AREAS = (
    "files", "branches", "gitdata", "issues", "labels", "pulls",
    "reviews", "actions", "runs", "settings", "releases", "statuses",
)  # fmt: skip


_DELETE = "DELETE /repos/{owner}/{repo}"  # which an archived one lets


def answer(repo: LiveRepository, asked: Asked) -> Answer | None:
    """Answer a request for a live repository; None for what is not kept there."""
    handler = _handlers().get(asked.route)
    if handler is None:
        return None
    try:
        if not asked.route.startswith("GET ") and asked.route != _DELETE:
            _refuse_archived(repo, asked)
        with repo.lock:
            made = handler(repo, asked)
    except Rejected as rejected:
        return rejected.answer
    return made if isinstance(made, Answer) else Answer(made)


def _refuse_archived(repo: LiveRepository, asked: Asked) -> None:
    opening = isinstance(asked.body, dict) and asked.body.get("archived") is False
    if repo.archived and not opening:
        raise Rejected(403, "Repository was archived so is read-only.")


@cache
def _handlers() -> Mapping[str, Handler]:
    from importlib import import_module

    modules = [import_module(f"{__name__}.{name}") for name in _AREAS]
    return {route: handler for module in modules for route, handler in module.HANDLERS.items()}
