"""Files, commits, tags and archives of a live repository, and what it says of itself."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from brickwork_github.testing.live.gitdir import Change, Entry, Person
from brickwork_github.testing.live.repository import Handler, LiveRepository, Rejected
from brickwork_github.testing.messages import Answer, Asked
from brickwork_github.testing.validation import Json

_REPO = "/repos/{owner}/{repo}"
_CONTENTS = f"{_REPO}/contents/{{path}}"
_BIGGEST_INLINE = 1024 * 1024
_LINE = 60
ONLY_BY_PULL_REQUEST = "Changes must be made through a pull request."
"""What is said of a protected branch."""


def tree_of(repo: LiveRepository, ref: str | None) -> str:
    """Return the tree of a ref, by default of HEAD. Raises Rejected."""
    tree = repo.git.resolve(ref or "HEAD", "tree")
    if tree is None and ref:
        raise Rejected(404, f"No commit found for the ref {ref}")
    if tree is None:
        raise Rejected(404, "This repository is empty.")
    return tree


def commit_of(repo: LiveRepository, ref: str | None) -> str:
    """Return the commit of a ref, by default of HEAD. Raises Rejected."""
    sha = repo.git.resolve(ref or "HEAD", "commit")
    if sha is None and not repo.git.refs("refs/heads/"):
        raise Rejected(409, "Git Repository is empty.")
    if sha is None:
        raise Rejected(422, f"No commit found for SHA: {ref}")
    return sha


# Contents


def _get_contents(repo: LiveRepository, asked: Asked) -> Json | Answer:
    ref, path = asked.query.get("ref"), asked.path.get("path", "").strip("/")
    tree, kind = tree_of(repo, ref), asked.headers.get("Accept", "")
    entry = repo.git.entry(tree, path) if path else None
    if path and entry is None:
        raise Rejected(404)
    if entry is None or entry.kind == "tree":
        entries = [_listed(repo, each, ref) for each in repo.git.tree(tree, path)]
        if "object" not in kind:
            return entries
        folder = entry or Entry("040000", "tree", tree, 0, path)
        return {**_listed(repo, folder, ref), "entries": entries}
    content = repo.git.blob(entry.sha) if entry.kind == "blob" else b""
    if "raw" in kind:
        return content
    whole = _listed(repo, entry, ref)
    if entry.mode == "120000":
        return {**whole, "target": content.decode()}
    if entry.kind == "commit":
        return {**whole, "submodule_git_url": f"https://github.com/{repo.full_name}.git"}
    if entry.size > _BIGGEST_INLINE:
        return {**whole, "encoding": "none", "content": ""}
    return {**whole, "encoding": "base64", "content": _base64(content)}


def _listed(repo: LiveRepository, entry: Entry, ref: str | None) -> dict[str, Any]:
    kinds = {"tree": "dir", "commit": "submodule", "blob": "file"}
    kind = "symlink" if entry.mode == "120000" else kinds[entry.kind]
    return {
        "type": kind,
        "size": entry.size,
        "name": entry.path.rpartition("/")[2],
        "path": entry.path,
        "sha": entry.sha,
        **_links(repo, entry.path, entry.sha, ref, entry.kind),
    }


def _links(repo: LiveRepository, path: str, sha: str, ref: str | None, kind: str) -> dict[str, Any]:
    ref = ref or repo.default_branch
    here = repo.url(f"/contents/{path}?ref={ref}")
    git = repo.url(f"/git/{'trees' if kind == 'tree' else 'blobs'}/{sha}")
    html = repo.html_url(f"/{'tree' if kind == 'tree' else 'blob'}/{ref}/{path}")
    raw = f"https://raw.githubusercontent.com/{repo.full_name}/{ref}/{path}"
    return {
        "url": here,
        "git_url": git,
        "html_url": html,
        "download_url": raw if kind == "blob" else None,
        "_links": {"self": here, "git": git, "html": html},
    }


def _base64(content: bytes) -> str:
    text = base64.b64encode(content).decode()
    lines = [text[at : at + _LINE] + "\n" for at in range(0, len(text), _LINE)]
    return "".join(lines)


def read_base64(text: str) -> bytes:
    """Return the content that a request sends. Raises Rejected."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise Rejected(422, "content is not valid Base64") from None


def _put_contents(repo: LiveRepository, asked: Asked) -> Answer:
    path, body = asked.path["path"].strip("/"), asked.body
    blob = repo.git.write_blob(read_base64(body["content"]))
    there = _checked_entry(repo, path, body)
    commit = _commit_file(repo, path, blob, body)
    entry = repo.git.entry(commit, path)
    assert entry is not None
    file = _listed(repo, entry, body.get("branch"))
    made = {"content": file, "commit": git_commit(repo, commit)}
    return Answer(made, 200 if there else 201)


def _delete_contents(repo: LiveRepository, asked: Asked) -> Answer:
    path, body = asked.path["path"].strip("/"), asked.body
    if _checked_entry(repo, path, body) is None:
        raise Rejected(404)
    commit = _commit_file(repo, path, None, body)
    return Answer({"content": None, "commit": git_commit(repo, commit)}, 200)


def _branch_of(repo: LiveRepository, body: Mapping[str, Any]) -> str:
    return f"refs/heads/{body.get('branch') or repo.default_branch}"


def _checked_entry(repo: LiveRepository, path: str, body: Mapping[str, Any]) -> Entry | None:
    ref = _branch_of(repo, body)
    tree = repo.git.resolve(ref, "tree")
    if tree is None and repo.git.refs("refs/heads/"):
        raise Rejected(404, f"Branch {body.get('branch')} not found")
    entry = repo.git.entry(tree, path) if tree else None
    if entry is not None and entry.kind == "tree":
        raise Rejected(422, f"{path} is a directory")
    if entry is not None and "sha" not in body:
        raise Rejected(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if "sha" in body and (entry is None or entry.sha != body["sha"]):
        raise Rejected(409, f"{path} does not match {body['sha']}")
    return entry


def _commit_file(repo: LiveRepository, path: str, blob: str | None, body: Mapping[str, Any]) -> str:
    ref = _branch_of(repo, body)
    if ref.removeprefix("refs/heads/") in repo.protected:
        raise Rejected(409, f"Could not update file: {ONLY_BY_PULL_REQUEST}")
    with repo.lock:
        parent = repo.git.resolve(ref, "commit")
        tree = repo.git.write_tree(parent, [("100644", path, blob)])
        author = person_in(repo, body.get("author") or body.get("committer"))
        committer = person_in(repo, body.get("committer"))
        parents = [parent] if parent else []
        commit = repo.git.write_commit(tree, parents, body["message"], author, committer)
        repo.git.update_ref(ref, commit)
    return commit


def person_in(repo: LiveRepository, given: Mapping[str, str] | None) -> Person:
    """Return who a request names as an author; by default whom the token is."""
    author = repo.author()
    given = given or {}
    return Person(
        given.get("name", author.name),
        given.get("email", author.email),
        given.get("date", author.date),
    )


def git_commit(repo: LiveRepository, sha: str) -> dict[str, Any]:
    """Return a commit as the Git data API shows it."""
    commit = repo.git.commit(sha)
    return {
        "sha": sha,
        "node_id": f"C_{sha[:12]}",
        "url": repo.url(f"/git/commits/{sha}"),
        "html_url": repo.html_url(f"/commit/{sha}"),
        "author": commit.author._asdict(),
        "committer": commit.committer._asdict(),
        "message": commit.message,
        "tree": {"url": repo.url(f"/git/trees/{commit.tree}"), "sha": commit.tree},
        "parents": [
            {
                "url": repo.url(f"/git/commits/{parent}"),
                "html_url": repo.html_url(f"/commit/{parent}"),
                "sha": parent,
            }
            for parent in commit.parents
        ],
        "verification": {
            "verified": False,
            "reason": "unsigned",
            "signature": None,
            "payload": None,
            "verified_at": None,
        },
    }


def _readme(repo: LiveRepository, asked: Asked) -> Json | Answer:
    tree, folder = tree_of(repo, asked.query.get("ref")), asked.path.get("dir", "").strip("/")
    there = repo.git.entry(tree, folder) if folder else None
    if folder and (there is None or there.kind != "tree"):
        raise Rejected(404)
    names = [entry.path for entry in repo.git.tree(tree, folder)]
    found = next((name for name in names if name.rpartition("/")[2].lower() == "readme.md"), None)
    if found is None:
        raise Rejected(404)
    path = {**asked.path, "path": found}
    return _get_contents(repo, Asked(asked.route, path, asked.query, None, asked.headers))


# Commits and tags


def _commits(repo: LiveRepository, asked: Asked) -> Json:
    query = asked.query
    options = [f"--{name}={query[name]}" for name in ("since", "until", "author") if name in query]
    where = ["--", query["path"]] if "path" in query else []
    found = repo.git.commits(*options, commit_of(repo, query.get("sha")), *where)
    return [repo.commit_described(commit) for commit in found]


def _commit(repo: LiveRepository, asked: Asked) -> Json | Answer:
    sha, kind = commit_of(repo, asked.path["ref"]), asked.headers.get("Accept", "")
    if kind.endswith(".sha"):
        return Answer(sha.encode(), 200, {"Content-Type": f"{kind}; charset=utf-8"})
    commit = repo.git.commit(sha)
    base = commit.parents[0] if commit.parents else repo.git.write_tree(None, [])
    files = [described_change(repo, change, sha) for change in repo.git.changes(base, sha)]
    added = sum(file["additions"] for file in files)
    removed = sum(file["deletions"] for file in files)
    stats = {"additions": added, "deletions": removed, "total": added + removed}
    return {**repo.commit_described(commit), "stats": stats, "files": files}


def described_change(repo: LiveRepository, change: Change, head: str) -> dict[str, Any]:
    """Return a changed file, as comparisons and pull requests show it."""
    made = {
        "sha": change.sha,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": repo.html_url(f"/blob/{head}/{change.path}"),
        "raw_url": repo.html_url(f"/raw/{head}/{change.path}"),
        "contents_url": repo.url(f"/contents/{change.path}?ref={head}"),
        "patch": change.patch,
    }
    return made if change.previous is None else {**made, "previous_filename": change.previous}


def _compare(repo: LiveRepository, asked: Asked) -> Json:
    base_name, _, head_name = asked.path["basehead"].partition("...")
    base, head = commit_of(repo, base_name), commit_of(repo, head_name)
    ahead, behind = repo.git.counts(base, head)
    common = repo.git.merge_base(base, head) or base
    status = {(0, 0): "identical", (1, 0): "ahead", (0, 1): "behind"}
    found = [*reversed(repo.git.commits(f"{base}..{head}"))] if ahead else []
    example = repo.example(asked.route)
    names = f"/compare/{base_name}...{head_name}"
    return {
        **example,
        "url": repo.url(names),
        "html_url": repo.html_url(names),
        "permalink_url": repo.html_url(f"/compare/{base}...{head}"),
        "base_commit": repo.commit_described(repo.git.commit(base)),
        "merge_base_commit": repo.commit_described(repo.git.commit(common)),
        "status": status.get((min(ahead, 1), min(behind, 1)), "diverged"),
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [repo.commit_described(commit) for commit in found],
        "files": [described_change(repo, each, head) for each in repo.git.changes(common, head)],
    }


def _tags(repo: LiveRepository, asked: Asked) -> Json:  # noqa: ARG001  # a handler
    found = []
    for ref in reversed(repo.git.refs("refs/tags/")):
        name, sha = ref.removeprefix("refs/tags/"), repo.git.resolve(ref, "commit")
        found.append(
            {
                "name": name,
                "commit": {"sha": sha, "url": repo.url(f"/commits/{sha}")},
                "zipball_url": repo.url(f"/zipball/{ref}"),
                "tarball_url": repo.url(f"/tarball/{ref}"),
                "node_id": f"REF_{name}",
            }
        )
    return found


def _archive(repo: LiveRepository, asked: Asked) -> Answer:
    sha = repo.git.resolve(asked.path.get("ref") or "HEAD", "commit")
    if sha is None:
        raise Rejected(404)
    kind = "tar.gz" if "/tarball/" in asked.route else "zip"
    folder = f"{repo.owner}-{repo.name}-{sha[:7]}"
    return Answer(repo.git.archive(sha, kind, folder), 302)


def _merge(repo: LiveRepository, asked: Asked) -> Answer:
    base_name, body = asked.body["base"], asked.body
    ref = f"refs/heads/{base_name}"
    base = repo.git.resolve(ref, "commit")
    head = repo.git.resolve(body["head"], "commit")
    if base is None or head is None:
        raise Rejected(404, "Base does not exist" if base is None else "Head does not exist")
    if repo.git.merge_base(base, head) == head:
        return Answer(None, 204)
    tree = repo.git.merged_tree(base, head)
    if tree is None:
        raise Rejected(409, "Merge conflict")
    message = body.get("commit_message", f"Merge {body['head']} into {base_name}")
    sha = repo.git.write_commit(tree, [base, head], message, repo.author())
    repo.git.update_ref(ref, sha, base)
    return Answer(repo.commit_described(repo.git.commit(sha)), 201)


def _get_repository(repo: LiveRepository, asked: Asked) -> Json:  # noqa: ARG001  # a handler
    return repo.described()


def _patch_repository(repo: LiveRepository, asked: Asked) -> Json:
    changes = dict(asked.body)
    repo.archived = changes.pop("archived", repo.archived)
    repo.default_branch = changes.pop("default_branch", repo.default_branch)
    repo.private = changes.pop("private", repo.private)
    known = repo.described()
    repo.settings |= {name: value for name, value in changes.items() if name in known}
    return repo.described()


def _delete_repository(repo: LiveRepository, asked: Asked) -> Answer:  # noqa: ARG001  # a handler
    del repo.github.repositories[repo.full_name.lower()]
    repo.github.gone.add(repo.full_name.lower())
    return Answer(None, 204)


def _topics(repo: LiveRepository, asked: Asked) -> Json:
    if asked.body is not None:
        repo.settings["topics"] = [name.lower() for name in asked.body["names"]]
    return {"names": repo.settings.get("topics", [])}


HANDLERS: Mapping[str, Handler] = {
    f"GET {_REPO}": _get_repository,
    f"PATCH {_REPO}": _patch_repository,
    f"DELETE {_REPO}": _delete_repository,
    f"GET {_REPO}/topics": _topics,
    f"PUT {_REPO}/topics": _topics,
    f"GET {_CONTENTS}": _get_contents,
    f"PUT {_CONTENTS}": _put_contents,
    f"DELETE {_CONTENTS}": _delete_contents,
    f"GET {_REPO}/readme": _readme,
    f"GET {_REPO}/readme/{{dir}}": _readme,
    f"GET {_REPO}/commits": _commits,
    f"GET {_REPO}/commits/{{ref}}": _commit,
    f"GET {_REPO}/compare/{{basehead}}": _compare,
    f"GET {_REPO}/tags": _tags,
    f"GET {_REPO}/tarball/{{ref}}": _archive,
    f"GET {_REPO}/zipball/{{ref}}": _archive,
    f"POST {_REPO}/merges": _merge,
}
