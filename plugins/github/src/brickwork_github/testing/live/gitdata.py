"""The Git data API of a live repository: blobs, trees, commits, references, tags."""

import base64
from collections.abc import Mapping
from typing import Any

from brickwork_github.testing.live.files import (
    ONLY_BY_PULL_REQUEST,
    git_commit,
    person_in,
    read_base64,
)
from brickwork_github.testing.live.repository import Handler, LiveRepository, Rejected
from brickwork_github.testing.messages import Answer, Asked
from brickwork_github.testing.validation import Json

_GIT = "/repos/{owner}/{repo}/git"


def _filled(repo: LiveRepository) -> None:
    if not repo.git.refs("refs/heads/"):
        raise Rejected(409, "Git Repository is empty.")


def _of_kind(repo: LiveRepository, sha: str, kind: str, status: int = 404) -> str:
    if repo.git.kind(sha) != kind:
        message = "Not Found" if status == 404 else f"{kind.capitalize()} SHA does not exist"
        raise Rejected(status, message)
    return sha


def _post_blob(repo: LiveRepository, asked: Asked) -> Answer:
    _filled(repo)
    body = asked.body
    coded = body.get("encoding", "utf-8") == "base64"
    sha = repo.git.write_blob(read_base64(body["content"]) if coded else body["content"].encode())
    return Answer({"url": repo.url(f"/git/blobs/{sha}"), "sha": sha}, 201)


def _get_blob(repo: LiveRepository, asked: Asked) -> Json | Answer:
    sha = _of_kind(repo, asked.path["file_sha"], "blob")
    content = repo.git.blob(sha)
    if "raw" in asked.headers.get("Accept", ""):
        return content
    return {
        "content": base64.encodebytes(content).decode(),
        "encoding": "base64",
        "url": repo.url(f"/git/blobs/{sha}"),
        "sha": sha,
        "size": len(content),
        "node_id": f"B_{sha[:12]}",
    }


def _post_tree(repo: LiveRepository, asked: Asked) -> Answer:
    _filled(repo)
    base = asked.body.get("base_tree")
    if base is not None and repo.git.resolve(base, "tree") is None:
        raise Rejected(422, "base_tree is not a valid tree oid")
    changes = []
    for entry in asked.body["tree"]:
        sha = entry.get("sha")
        if "content" in entry:
            sha = repo.git.write_blob(entry["content"].encode())
        elif sha is None and base is None:
            raise Rejected(422, "tree.sha cannot be null without a base_tree")
        elif sha is not None and repo.git.kind(sha) != entry.get("type", "blob"):
            raise Rejected(422, f"tree.sha {sha} is not a valid {entry.get('type', 'blob')}")
        changes.append((entry.get("mode", "100644"), entry["path"], sha))
    return Answer(_tree(repo, repo.git.write_tree(base, changes), recursive=False), 201)


def _get_tree(repo: LiveRepository, asked: Asked) -> Json:
    _filled(repo)
    tree = repo.git.resolve(asked.path["tree_sha"], "tree")
    if tree is None:
        raise Rejected(404)
    return _tree(repo, tree, recursive="recursive" in asked.query)


def _tree(repo: LiveRepository, tree: str, *, recursive: bool) -> dict[str, Any]:
    entries = []
    for entry in repo.git.tree(tree, recursive=recursive):
        plural = "trees" if entry.kind == "tree" else "blobs"
        made = {
            "path": entry.path,
            "mode": entry.mode,
            "type": entry.kind,
            "sha": entry.sha,
            "url": repo.url(f"/git/{plural}/{entry.sha}"),
        }
        entries.append({**made, "size": entry.size} if entry.kind == "blob" else made)
    return {"sha": tree, "url": repo.url(f"/git/trees/{tree}"), "tree": entries, "truncated": False}


def _post_commit(repo: LiveRepository, asked: Asked) -> Answer:
    _filled(repo)
    body = asked.body
    tree = _of_kind(repo, body["tree"], "tree", 422)
    parents = [_of_kind(repo, parent, "commit", 422) for parent in body.get("parents", [])]
    author = person_in(repo, body.get("author"))
    committer = person_in(repo, body.get("committer") or body.get("author"))
    sha = repo.git.write_commit(tree, parents, body["message"], author, committer)
    return Answer(git_commit(repo, sha), 201)


def _get_commit(repo: LiveRepository, asked: Asked) -> Json:
    _filled(repo)
    return git_commit(repo, _of_kind(repo, asked.path["commit_sha"], "commit"))


# References


def _ref(repo: LiveRepository, name: str, sha: str) -> dict[str, Any]:
    kind = repo.git.kind(sha) or "commit"
    there = {"type": kind, "sha": sha, "url": repo.url(f"/git/{kind}s/{sha}")}
    short = name.removeprefix("refs/")
    return {
        "ref": name,
        "node_id": f"REF_{short}",
        "url": repo.url(f"/git/refs/{short}"),
        "object": there,
    }


def _get_ref(repo: LiveRepository, asked: Asked) -> Json:
    _filled(repo)
    name = f"refs/{asked.path['ref']}"
    found = repo.git.refs(name).get(name)
    if found is None:
        raise Rejected(404)
    return _ref(repo, name, found)


def _matching_refs(repo: LiveRepository, asked: Asked) -> Json:
    _filled(repo)
    found = repo.git.refs(f"refs/{asked.path['ref']}")
    return [_ref(repo, name, sha) for name, sha in found.items()]


def _post_ref(repo: LiveRepository, asked: Asked) -> Answer:
    _filled(repo)
    name, sha = asked.body["ref"], asked.body["sha"]
    if not name.startswith("refs/") or name.count("/") < 2:
        raise Rejected(422, "Reference name must start with 'refs/' and have at least two slashes")
    if repo.git.kind(sha) is None:
        raise Rejected(422, "Object does not exist")
    if not repo.git.update_ref(name, sha, "0" * 40):
        raise Rejected(422, "Reference already exists")
    return Answer(_ref(repo, name, sha), 201)


def _patch_ref(repo: LiveRepository, asked: Asked) -> Json:
    _filled(repo)
    name, sha = f"refs/{asked.path['ref']}", asked.body["sha"]
    old = repo.git.refs(name).get(name)
    if old is None:
        raise Rejected(422, "Reference does not exist")
    if repo.git.kind(sha) is None:
        raise Rejected(422, "Object does not exist")
    if name.removeprefix("refs/heads/") in repo.protected:
        raise Rejected(422, ONLY_BY_PULL_REQUEST)
    if not asked.body.get("force") and repo.git.merge_base(old, sha) != old:
        raise Rejected(422, "Update is not a fast forward")
    repo.git.update_ref(name, sha, old)
    return _ref(repo, name, sha)


def _delete_ref(repo: LiveRepository, asked: Asked) -> Answer:
    _filled(repo)
    name = f"refs/{asked.path['ref']}"
    if name not in repo.git.refs(name):
        raise Rejected(422, "Reference does not exist")
    if name.removeprefix("refs/heads/") in repo.protected:
        raise Rejected(422, "Cannot delete protected branch")
    repo.git.delete_ref(name)
    return Answer(None, 204)


# Tags


def _post_tag(repo: LiveRepository, asked: Asked) -> Answer:
    _filled(repo)
    body, tagger = asked.body, person_in(repo, asked.body.get("tagger"))
    _of_kind(repo, body["object"], body["type"], 422)
    when = _seconds(tagger.date)
    lines = [
        f"object {body['object']}",
        f"type {body['type']}",
        f"tag {body['tag']}",
        f"tagger {tagger.name} <{tagger.email}> {when} +0000",
        "",
        body["message"],
        "",
    ]
    sha = repo.git.run("mktag", data="\n".join(lines).encode()).decode().strip()
    return Answer(_tag(repo, sha), 201)


def _get_tag(repo: LiveRepository, asked: Asked) -> Json:
    return _tag(repo, _of_kind(repo, asked.path["tag_sha"], "tag"))


def _tag(repo: LiveRepository, sha: str) -> dict[str, Any]:
    head, _, message = repo.git.run("cat-file", "tag", sha).decode().partition("\n\n")
    said = dict(line.split(" ", 1) for line in head.splitlines())
    who, _, when = said["tagger"].rpartition("> ")
    name, _, email = who.partition(" <")
    url = repo.url(f"/git/{said['type']}s/{said['object']}")
    return {
        "node_id": f"TA_{sha[:12]}",
        "tag": said["tag"],
        "sha": sha,
        "url": repo.url(f"/git/tags/{sha}"),
        "message": message.rstrip("\n"),
        "tagger": {"name": name, "email": email, "date": _instant(int(when.split()[0]))},
        "object": {"type": said["type"], "sha": said["object"], "url": url},
    }


def _seconds(instant: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(instant).timestamp())


def _instant(seconds: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


HANDLERS: Mapping[str, Handler] = {
    f"POST {_GIT}/blobs": _post_blob,
    f"GET {_GIT}/blobs/{{file_sha}}": _get_blob,
    f"POST {_GIT}/trees": _post_tree,
    f"GET {_GIT}/trees/{{tree_sha}}": _get_tree,
    f"POST {_GIT}/commits": _post_commit,
    f"GET {_GIT}/commits/{{commit_sha}}": _get_commit,
    f"GET {_GIT}/ref/{{ref}}": _get_ref,
    f"GET {_GIT}/matching-refs/{{ref}}": _matching_refs,
    f"POST {_GIT}/refs": _post_ref,
    f"PATCH {_GIT}/refs/{{ref}}": _patch_ref,
    f"DELETE {_GIT}/refs/{{ref}}": _delete_ref,
    f"POST {_GIT}/tags": _post_tag,
    f"GET {_GIT}/tags/{{tag_sha}}": _get_tag,
}
