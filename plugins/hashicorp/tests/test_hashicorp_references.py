"""The path of a reference: how it is read, and what is refused."""

import re

import pytest
from hypothesis import given, strategies as st

from brickwork import ResolveError
from brickwork_hashicorp import VaultResolver
from brickwork_hashicorp.references import MAX_LENGTH, Wanted, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kv/app", Wanted("kv/app")),
        ("/kv/app", Wanted("/kv/app")),
        ("app", Wanted("app")),
        ("kv/ann@example.com@3", Wanted("kv/ann@example.com@3")),
        ("kv/with space/é%20", Wanted("kv/with space/é%20")),
        ("kv/app?version=3", Wanted("kv/app", version=3)),
        ("kv/app?block=prod", Wanted("kv/app", block="prod")),
        (
            "kv/app?version=12&block=hashicorp-vault/prod",
            Wanted("kv/app", 12, "hashicorp-vault/prod"),
        ),
    ],
)
def test_paths_are_read(text: str, expected: Wanted) -> None:
    """Path, version and block are told apart; an @ belongs to the name."""
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("/", "empty"),
        ("?version=1", "empty"),
        ("kv//app", "empty part"),
        ("kv/app/", "empty part"),
        ("kv/../sys/mounts", ".."),
        ("kv/./app", ".."),
        ("kv/a\nb", "printed"),
        ("kv/\0", "printed"),
        ("kv/a#b", "#"),
        ("x" * (MAX_LENGTH + 1), "longer"),
        ("kv/app?", "after the ?"),
        ("kv/app?version", "after the ?"),
        ("kv/app?vresion=1", "other than version and block"),
        ("kv/app?version=0", "no number"),
        ("kv/app?version=-1", "no number"),
        ("kv/app?version=1.5", "no number"),
        ("kv/app?version=" + "9" * 5000, "no number"),
        ("kv/app?version=\u0661", "no number"),
        ("kv/app?version=1&version=2", "twice"),
        ("kv/app?x=1?y=2", "other than"),
    ],
)
def test_what_is_no_path_is_refused(text: str, said: str) -> None:
    """Each refusal says what is wrong; what the server would read as another path is one."""
    with pytest.raises(ValueError, match=re.escape(said)):
        parse(text)
    with pytest.raises(ResolveError) as refused:
        VaultResolver().resolve(text)
    assert refused.value.fix
    assert len(str(refused.value)) < 3000


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text is read as one with a part that a server, or requests, would take for a way up."""
    try:
        found = parse(text)
    except ValueError:
        return
    assert found.path.strip("/")
    assert not {"", ".", ".."} & set(found.path.removeprefix("/").split("/"))
    assert found.path.isprintable()
