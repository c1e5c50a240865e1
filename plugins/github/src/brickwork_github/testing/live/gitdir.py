"""A bare git repository, by git's own commands; what the REST API tells and changes is in it."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_FIELDS = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"


class Entry(NamedTuple):
    """An entry of a tree.

    Attributes:
        mode: As git writes it, for example ``100644``.
        kind: ``blob``, ``tree`` or ``commit``.
        sha: What is there.
        size: Of a blob, in bytes.
        path: From the root.
    """

    mode: str
    kind: str
    sha: str
    size: int
    path: str


class Person(NamedTuple):
    """Who made a commit, and when."""

    name: str
    email: str
    date: str


class Commit(NamedTuple):
    """A commit."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


class Change(NamedTuple):
    """What a comparison says of one file."""

    status: str
    path: str
    previous: str | None
    additions: int
    deletions: int
    sha: str
    patch: str


class GitFailed(Exception):
    """A git command failed."""


class GitDirectory:
    """A bare repository.

    Args:
        path: Its folder; made if it is not there.
        default_branch: Where HEAD points to.
    """

    def __init__(self, path: Path, default_branch: str) -> None:
        self.path = path
        if not path.exists():
            self.run("init", "--quiet", "--bare", f"--initial-branch={default_branch}", str(path))
            self.run("config", "http.receivepack", "true")
            self.run("config", "uploadpack.allowAnySHA1InWant", "true")
            self.run("config", "uploadpack.allowFilter", "true")

    def run(
        self,
        *arguments: str,
        data: bytes | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run a git command, and return what it prints.

        Raises:
            GitFailed: It failed.
        """
        done = subprocess.run(  # noqa: S603  # git, with arguments of the tests
            ["git", *arguments],  # noqa: S607  # whichever git the machine has
            cwd=self.path if self.path.exists() else None,
            input=data,
            capture_output=True,
            env=clean_environment(environment),
            check=False,
        )
        if done.returncode:
            raise GitFailed(done.stderr.decode(errors="replace").strip())
        return done.stdout

    def text(self, *arguments: str, **options: Mapping[str, str]) -> str:
        """Run a git command, and return what it prints as a text."""
        return self.run(*arguments, **options).decode(errors="replace").strip()  # type: ignore[arg-type]  # only the environment is ever given

    # Looking

    def resolve(self, name: str, kind: str = "") -> str | None:
        """Return the object that a name or an id means; None if there is none."""
        if not name or name.startswith("-"):
            return None
        try:
            return self.text("rev-parse", "--verify", "--quiet", f"{name}^{{{kind}}}")
        except GitFailed:
            return None

    def kind(self, sha: str) -> str | None:
        """Return the kind of an object; None if there is no such object."""
        try:
            return self.text("cat-file", "-t", sha)
        except GitFailed:
            return None

    def blob(self, sha: str) -> bytes:
        """Return the content of a blob."""
        return self.run("cat-file", "blob", sha)

    def tree(self, tree: str, path: str = "", *, recursive: bool = False) -> list[Entry]:
        """Return the entries of a tree, or of a folder in it."""
        options = ["-r", "-t"] if recursive else []
        where = [f"{tree}:{path}"] if path else [tree]
        listed = self.run("ls-tree", "-z", "-l", "--full-tree", *options, *where).decode()
        found = []
        for line in filter(None, listed.split("\0")):
            head, _, name = line.partition("\t")
            mode, kind, sha, size = head.split()
            whole = f"{path}/{name}" if path else name
            found.append(Entry(mode, kind, sha, int(size) if size != "-" else 0, whole))
        return found

    def entry(self, tree: str, path: str) -> Entry | None:
        """Return what is at a path of a tree; None if nothing is."""
        folder, _, name = path.strip("/").rpartition("/")
        try:
            entries = self.tree(tree, folder)
        except GitFailed:
            return None
        return next((entry for entry in entries if entry.path.rpartition("/")[2] == name), None)

    def commits(self, *arguments: str) -> list[Commit]:
        """Return commits, as ``git log`` with these arguments does."""
        listed = self.run("log", f"--format={_FIELDS}%x01", *arguments).decode(errors="replace")
        return [_commit(text.strip("\n")) for text in listed.split("\x01") if text.strip("\n")]

    def commit(self, sha: str) -> Commit:
        """Return one commit."""
        return self.commits("-1", "--no-walk", sha)[0]

    def refs(self, prefix: str) -> dict[str, str]:
        """Return the references below a prefix such as ``refs/heads/``, and what they point to."""
        listed = self.text("for-each-ref", "--format=%(objectname) %(refname)")
        pairs = (line.split(" ", 1) for line in listed.splitlines())
        return {name: sha for sha, name in pairs if name.startswith(prefix)}

    def changes(self, base: str, head: str) -> list[Change]:
        """Return what differs from one commit or tree to another, by file."""
        listed = self.text("diff-tree", "-r", "-M", base, head)
        return [self._change(base, head, line) for line in listed.splitlines()]

    def _change(self, base: str, head: str, line: str) -> Change:
        meta, *paths = line.split("\t")
        sha, letter = meta.split()[3], meta.split()[4][0]
        names = {"A": "added", "D": "removed", "R": "renamed"}
        shown = self.run("diff-tree", "-p", "-M", base, head, "--", *paths).decode(errors="replace")
        _, at, hunks = shown.partition("\n@@")
        patch = f"@@{hunks}".rstrip("\n") if at else ""
        lines = patch.splitlines()
        return Change(
            names.get(letter, "modified"),
            paths[-1],
            paths[0] if len(paths) > 1 else None,
            sum(text.startswith("+") for text in lines),
            sum(text.startswith("-") for text in lines),
            sha,
            patch,
        )

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the last commit that two have in common."""
        try:
            return self.text("merge-base", one, other)
        except GitFailed:
            return None

    def counts(self, base: str, head: str) -> tuple[int, int]:
        """Return how many commits a head has that its base has not, and the other way."""
        behind, ahead = self.text("rev-list", "--left-right", "--count", f"{base}...{head}").split()
        return int(ahead), int(behind)

    def archive(self, sha: str, kind: str, prefix: str) -> bytes:
        """Return the files of a commit as ``tar.gz`` or ``zip``, in a folder of their own."""
        return self.run("archive", f"--format={kind}", f"--prefix={prefix}/", sha)

    # Writing

    def write_blob(self, content: bytes) -> str:
        """Keep a content, and return its id."""
        return self.run("hash-object", "-w", "--stdin", data=content).decode().strip()

    def write_tree(self, base: str | None, changes: Sequence[tuple[str, str, str | None]]) -> str:
        """Make a tree: of another one, with paths changed.

        Args:
            base: The other one; None for an empty one.
            changes: Mode, path and id of what is there from now on; None removes it.
        """
        with self._index() as index:
            if base is not None:
                self.run("read-tree", base, environment=index)
            for mode, path, sha in changes:
                if sha is None:
                    listed = self.run("ls-files", "-z", "--", path, environment=index)
                    self.run(
                        "update-index",
                        "-z",
                        "--force-remove",
                        "--stdin",
                        data=listed,
                        environment=index,
                    )
                elif mode == "040000":
                    self.run("read-tree", f"--prefix={path}/", sha, environment=index)
                else:
                    info = f"{mode},{sha},{path}"
                    self.run("update-index", "--add", "--cacheinfo", info, environment=index)
            return self.run("write-tree", environment=index).decode().strip()

    @contextmanager
    def _index(self) -> Iterator[dict[str, str]]:
        with NamedTemporaryFile(prefix="index-", dir=self.path) as file:
            name = f"{file.name}.own"  # an empty file is no index
            try:
                # Some commands on an index insist on a work tree; it is not looked at.
                here = str(self.path)
                yield {"GIT_INDEX_FILE": name, "GIT_DIR": here, "GIT_WORK_TREE": here}
            finally:
                Path(name).unlink(missing_ok=True)

    def write_commit(
        self,
        tree: str,
        parents: Sequence[str],
        message: str,
        author: Person,
        committer: Person | None = None,
    ) -> str:
        """Make a commit, and return its id."""
        committer = committer or author
        given = [argument for parent in parents for argument in ("-p", parent)]
        environment = {
            "GIT_AUTHOR_NAME": author.name,
            "GIT_AUTHOR_EMAIL": author.email,
            "GIT_AUTHOR_DATE": author.date,
            "GIT_COMMITTER_NAME": committer.name,
            "GIT_COMMITTER_EMAIL": committer.email,
            "GIT_COMMITTER_DATE": committer.date,
        }
        made = self.run("commit-tree", tree, *given, data=message.encode(), environment=environment)
        return made.decode().strip()

    def merged_tree(self, base: str, head: str) -> str | None:
        """Return the tree of a merge of two commits; None if they conflict."""
        try:
            return self.text("merge-tree", "--write-tree", base, head).splitlines()[0]
        except GitFailed:
            return None

    def update_ref(self, name: str, sha: str, old: str | None = None) -> bool:
        """Let a reference point to something; tell whether it pointed to ``old`` until then."""
        try:
            self.run("update-ref", name, sha, *([old] if old is not None else []))
        except GitFailed:
            return False
        return True

    def delete_ref(self, name: str) -> None:
        """Delete a reference."""
        self.run("update-ref", "-d", name)


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which git minds nobody's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        **(more or {}),
    }


def _commit(text: str) -> Commit:
    sha, tree, parents, an, ae, ad, cn, ce, cd, message = text.split("\0", 9)
    return Commit(
        sha,
        tree,
        tuple(parents.split()),
        Person(an, ae, _utc(ad)),
        Person(cn, ce, _utc(cd)),
        message.rstrip("\n"),
    )


def _utc(instant: str) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromisoformat(instant).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
