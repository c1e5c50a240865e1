"""Releases of a live repository, and their assets."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from brickwork_github.testing.live.files import commit_of
from brickwork_github.testing.live.repository import LOGIN, Handler, LiveRepository, Rejected
from brickwork_github.testing.messages import Answer, Asked
from brickwork_github.testing.validation import Json

_REPO = "/repos/{owner}/{repo}"
_RELEASES = f"{_REPO}/releases"
_RELEASE, _ASSET = f"{_RELEASES}/{{release_id}}", f"{_RELEASES}/assets/{{asset_id}}"
_ASKED_FOR = ("tag_name", "target_commitish", "name", "body", "draft", "prerelease")


@dataclass
class Releases:
    """What is kept.

    Attributes:
        found: Releases as GitHub shows them, by id; their assets are in them.
        contents: Assets' contents, by id.
        latest: The release that was said to be the latest one.
    """

    found: dict[int, dict[str, Any]] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)
    latest: int | None = None


def releases_of(repo: LiveRepository) -> Releases:
    """Return what is kept."""
    kept: Releases = repo.area(Releases)
    return kept


def _create(repo: LiveRepository, asked: Asked) -> Answer:
    body, kept, new_id, now = asked.body, releases_of(repo), repo.new_id(), repo.now()
    tag, target = body["tag_name"], body.get("target_commitish", repo.default_branch)
    if any(each["tag_name"] == tag and not each["draft"] for each in kept.found.values()):
        raise Rejected(422, "Validation Failed", _fault("already_exists", "tag_name"))
    if repo.git.resolve(target, "commit") is None:
        raise Rejected(422, "Validation Failed", _fault("invalid", "target_commitish"))
    api, draft = repo.url(f"/releases/{new_id}"), body.get("draft", False)
    notes = body.get("body")
    if body.get("generate_release_notes"):
        notes = "\n\n".join(filter(None, [notes, _notes(repo, tag, target)]))
    release = {
        **{
            name: value
            for name, value in repo.example(f"POST {_RELEASES}").items()
            if name != "discussion_url"
        },
        "url": api,
        "html_url": repo.html_url(f"/releases/tag/{tag}"),
        "assets_url": f"{api}/assets",
        "upload_url": f"https://uploads.github.com/repos/{repo.full_name}/releases/{new_id}"
        "/assets{?name,label}",
        "tarball_url": repo.url(f"/tarball/{tag}"),
        "zipball_url": repo.url(f"/zipball/{tag}"),
        "id": new_id,
        "node_id": f"RE_{new_id}",
        "tag_name": tag,
        "target_commitish": target,
        "name": body.get("name", tag if body.get("generate_release_notes") else None),
        "body": notes,
        "draft": draft,
        "prerelease": body.get("prerelease", False),
        "created_at": now,
        "published_at": None if draft else now,
        "author": repo.person(LOGIN),
        "assets": [],
    }
    kept.found[new_id] = release
    _publish(repo, release, body)
    return Answer(release, 201)


def _fault(code: str, name: str) -> dict[str, str]:
    return {"resource": "Release", "code": code, "field": name}


def _publish(repo: LiveRepository, release: dict[str, Any], body: Mapping[str, Any]) -> None:
    if release["draft"]:
        return
    release["published_at"] = release["published_at"] or repo.now()
    ref = f"refs/tags/{release['tag_name']}"
    if repo.git.resolve(ref) is None:
        repo.git.update_ref(ref, commit_of(repo, release["target_commitish"]))
    if body.get("make_latest", "true") != "false" and not release["prerelease"]:
        releases_of(repo).latest = release["id"]


def _release(repo: LiveRepository, asked: Asked) -> dict[str, Any]:
    found = releases_of(repo).found.get(int(asked.path["release_id"]))
    if found is None:
        raise Rejected(404)
    return found


def _get(repo: LiveRepository, asked: Asked) -> Json:
    return _release(repo, asked)


def _list(repo: LiveRepository, asked: Asked) -> Json:  # noqa: ARG001  # a handler
    return [*reversed(releases_of(repo).found.values())]


def _latest(repo: LiveRepository, asked: Asked) -> Json:  # noqa: ARG001  # a handler
    kept = releases_of(repo)
    if kept.latest not in kept.found:
        raise Rejected(404)
    return kept.found[kept.latest]


def _by_tag(repo: LiveRepository, asked: Asked) -> Json:
    for release in releases_of(repo).found.values():
        if release["tag_name"] == asked.path["tag"] and not release["draft"]:
            return release
    raise Rejected(404)


def _patch(repo: LiveRepository, asked: Asked) -> Json:
    release, body = _release(repo, asked), asked.body or {}
    release |= {name: body[name] for name in _ASKED_FOR if name in body}
    release["html_url"] = repo.html_url(f"/releases/tag/{release['tag_name']}")
    _publish(repo, release, body)
    return release


def _delete(repo: LiveRepository, asked: Asked) -> Answer:
    kept, release = releases_of(repo), _release(repo, asked)
    del kept.found[release["id"]]
    if kept.latest == release["id"]:
        rest = [key for key, each in kept.found.items() if not each["draft"]]
        kept.latest = rest[-1] if rest else None
    return Answer(None, 204)


def _generate(repo: LiveRepository, asked: Asked) -> Json:
    body = asked.body
    target = body.get("target_commitish", repo.default_branch)
    notes = _notes(repo, body["tag_name"], target, body.get("previous_tag_name"))
    return {"name": f"Release {body['tag_name']}", "body": notes}


def _notes(repo: LiveRepository, tag: str, target: str, previous: str | None = None) -> str:
    kept = releases_of(repo)
    if previous is None and kept.latest in kept.found:
        previous = kept.found[kept.latest]["tag_name"]
    if previous and repo.git.resolve(f"refs/tags/{previous}") is None:
        raise Rejected(422, "Invalid previous_tag parameter")
    head = repo.git.resolve(f"refs/tags/{tag}", "commit") or commit_of(repo, target)
    commits = repo.git.commits(f"refs/tags/{previous}..{head}" if previous else head)
    lines = ["## What's Changed"]
    lines += [f"* {commit.message.splitlines()[0]} by @{LOGIN}" for commit in commits]
    span = f"compare/{previous}...{tag}" if previous else f"commits/{tag}"
    return "\n".join([*lines, "", f"**Full Changelog**: {repo.html_url(f'/{span}')}"])


# Assets


def _upload(repo: LiveRepository, asked: Asked) -> Answer:
    kept, release, new_id, now = releases_of(repo), _release(repo, asked), repo.new_id(), repo.now()
    name = asked.query["name"].strip(".").replace(" ", ".")
    if any(each["name"] == name for each in release["assets"]):
        raise Rejected(
            422,
            "Validation Failed",
            {**_fault("already_exists", "name"), "resource": "ReleaseAsset"},
        )
    content = asked.raw
    kept.contents[new_id] = content
    asset = {
        **repo.example(f"POST {_RELEASE}/assets"),
        "url": repo.url(f"/releases/assets/{new_id}"),
        "browser_download_url": repo.html_url(f"/releases/download/{release['tag_name']}/{name}"),
        "id": new_id,
        "node_id": f"RA_{new_id}",
        "name": name,
        "label": asked.query.get("label", ""),
        "state": "uploaded",
        "content_type": asked.headers.get("Content-Type", "application/octet-stream"),
        "size": len(content),
        "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "download_count": 0,
        "created_at": now,
        "updated_at": now,
        "uploader": repo.person(LOGIN),
    }
    release["assets"].append(asset)
    return Answer(asset, 201)


def _assets(repo: LiveRepository, asked: Asked) -> Json:
    return _release(repo, asked)["assets"]


def _asset(repo: LiveRepository, asked: Asked) -> Json | Answer:
    kept, new_id = releases_of(repo), int(asked.path["asset_id"])
    for release in kept.found.values():
        for asset in release["assets"]:
            if asset["id"] == new_id:
                return _do_with_asset(repo, asked, release, asset)
    raise Rejected(404)


def _do_with_asset(
    repo: LiveRepository, asked: Asked, release: dict[str, Any], asset: dict[str, Any]
) -> Json | Answer:
    if asked.route.startswith("DELETE "):
        release["assets"].remove(asset)
        return Answer(None, 204)
    if asked.route.startswith("PATCH "):
        asset |= {**(asked.body or {}), "updated_at": repo.now()}
    elif "octet-stream" in asked.headers.get("Accept", ""):
        asset["download_count"] += 1
        return Answer(releases_of(repo).contents[asset["id"]], 302)
    return asset


HANDLERS: Mapping[str, Handler] = {
    f"POST {_RELEASES}": _create,
    f"GET {_RELEASES}": _list,
    f"GET {_RELEASES}/latest": _latest,
    f"GET {_RELEASES}/tags/{{tag}}": _by_tag,
    f"POST {_RELEASES}/generate-notes": _generate,
    f"GET {_RELEASE}": _get,
    f"PATCH {_RELEASE}": _patch,
    f"DELETE {_RELEASE}": _delete,
    f"POST {_RELEASE}/assets": _upload,
    f"GET {_RELEASE}/assets": _assets,
    f"GET {_ASSET}": _asset,
    f"PATCH {_ASSET}": _asset,
    f"DELETE {_ASSET}": _asset,
}
