"""Clones a repository by git."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from brickwork import InvalidArguments, check_cancelled
from brickwork_github.clients import token_of_environment
from brickwork_github.contents.trees import is_sha
from brickwork_github.errors import GitHubNotFound
from brickwork_github.repository.folders import new_folder
from brickwork_github.repository.git import Git
from brickwork_github.repository.guards import check_filter, check_paths, check_ref
from brickwork_github.repository.results import RepositoryClone

if TYPE_CHECKING:
    from brickwork_github.repository.block import GitHubRepository

_HEADS, _TAGS = "refs/heads/", "refs/tags/"
_ONLY_BLOBS = "blob:none"


class Wanted(NamedTuple):
    """What to clone; see `GitHubRepository.clone`."""

    ref: str | None
    depth: int | None
    sparse: Sequence[str]
    submodules: bool
    object_filter: str | None


class _Found(NamedTuple):
    """A ref, as the server has it: its whole name, or a commit's id alone."""

    name: str
    commit: str

    @property
    def short(self) -> str:
        return self.name.removeprefix(_HEADS).removeprefix(_TAGS) or self.commit


def clone(repository: "GitHubRepository", folder: str | Path, wanted: Wanted) -> RepositoryClone:
    """See `GitHubRepository.clone`."""
    ref = wanted.ref if wanted.ref is not None else repository.ref
    if ref is not None:
        check_ref(ref)
    if wanted.depth is not None and wanted.depth < 1:
        raise InvalidArguments("depth is below 1.", fix="Give 1 or more, or None for all commits.")
    paths = check_paths(wanted.sparse)
    partial = _ONLY_BLOBS if paths and wanted.object_filter is None else wanted.object_filter
    if partial is not None:
        check_filter(partial)
    check_cancelled()
    git = Git(repository.credentials, anonymous=_is_nobody(repository))
    with git, new_folder(folder) as root:
        url = git.url_of(repository.repository)
        found = _find(git, root, url, ref, repository.repository)
        git.run("init", "--quiet", "--template=", "--", root, cwd=root)
        git.run("remote", "add", "--", "origin", url, cwd=root)
        git.run(*_fetch(found, wanted.depth, partial), cwd=root)
        if paths:
            listed = "".join(f"{path}\n" for path in paths).encode()
            git.run("sparse-checkout", "set", "--cone", "--stdin", cwd=root, data=listed)
        git.run(*_checkout(found), cwd=root)
        if wanted.submodules:
            git.run(*_submodules(wanted.depth), cwd=root)
        commit = git.run("rev-parse", "HEAD", cwd=root).strip()
    return RepositoryClone(repository.repository, Path(root), found.short, commit)


def _is_nobody(repository: "GitHubRepository") -> bool:
    """Tell whether there is no token at all; public repositories need none."""
    credentials = repository.credentials
    named = credentials.token is not None or credentials.app is not None
    return not named and token_of_environment(credentials) is None


def _find(git: Git, root: str, url: str, ref: str | None, repository: str) -> _Found:
    """Ask the server what a ref is: a branch before a tag, as git itself has it."""
    if ref is not None and is_sha(ref):
        return _Found("", ref)
    if ref is None:
        names = ["HEAD"]
    else:
        bare = ref.removeprefix("refs/")
        names = [f"{_HEADS}{ref}", f"{_TAGS}{ref}", f"refs/{bare}"]
    listed = git.run("ls-remote", "--symref", "--", url, *names, cwd=root)
    pairs = [line.split("\t") for line in listed.splitlines()]
    there = {name: target for target, name in pairs if not target.startswith("ref: ")}
    if ref is None:
        heads = [target.removeprefix("ref: ") for target, name in pairs if name == "HEAD"]
        name = next((target for target in heads if target.startswith(_HEADS)), None)
        if name is not None and "HEAD" in there:
            return _Found(name, there["HEAD"])
        raise GitHubNotFound(
            f"{repository} has no commits.", fix="Push a first commit, or check the name."
        )
    found = next((name for name in names if name in there), None)
    if found is not None and not found.startswith((_HEADS, _TAGS)):
        return _Found("", there[found])  # refs/pull/7/head
    if found is None:
        whole = " Give the whole id of a commit." if re.fullmatch("[0-9a-f]{4,63}", ref) else ""
        raise GitHubNotFound(
            f"{repository} has no branch and no tag {ref!r}.", fix=f"Check the name.{whole}"
        )
    return _Found(found, there[found])


def _fetch(found: _Found, depth: int | None, partial: str | None) -> list[str]:
    options = ["--progress", "--no-tags", "--no-auto-maintenance"]
    if depth is not None:
        options.append(f"--depth={depth}")
    if partial is not None:
        options.append(f"--filter={partial}")
    if not found.name:
        specs = [found.commit]
    elif found.name.startswith(_TAGS):
        specs = [f"+{found.name}:{found.name}"]
    else:
        specs = [f"+{found.name}:refs/remotes/origin/{found.short}"]
    if depth is None:
        specs += [f"+{_HEADS}*:refs/remotes/origin/*", f"+{_TAGS}*:{_TAGS}*"]
    return ["fetch", *options, "--", "origin", *specs]


def _checkout(found: _Found) -> list[str]:
    if not found.name:
        return ["checkout", "--progress", "--detach", found.commit, "--"]
    if found.name.startswith(_TAGS):
        return ["checkout", "--progress", "--detach", found.name, "--"]
    there = f"refs/remotes/origin/{found.short}"
    return ["checkout", "--progress", "-B", found.short, "--track", there, "--"]


def _submodules(depth: int | None) -> list[str]:
    options = ["--init", "--recursive", "--progress", "--jobs=1", "--no-recommend-shallow"]
    if depth is not None:
        options.append(f"--depth={depth}")
    return ["submodule", "update", *options]
