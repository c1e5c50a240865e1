"""What is a key and what is not."""

import posixpath

import pytest
from hypothesis import example, given, strategies as st

from brickwork import InvalidKey
from brickwork.storage import check_key, check_prefix
from brickwork.storage.keys import is_key
from brickwork.testing.storage_inputs import BAD_KEYS, GOOD_KEYS

# Texts made of what matters in paths, so that many of them are nearly keys.
PATHLIKE = st.text(st.sampled_from("a./\\\0é\n\ud800"), max_size=12)
ANY_TEXT = st.one_of(PATHLIKE, st.text(max_size=1100))


def accepted(key: str) -> bool:
    """Tell whether a text is a key."""
    try:
        return check_key(key) == key
    except InvalidKey:
        return False


@given(ANY_TEXT)
@example("a/..")
@example("a//b")
def test_what_is_accepted_is_a_normal_path_inside(key: str) -> None:
    """An accepted key stays below the folder that it is joined to, and names it in one way only."""
    if accepted(key):
        joined = posixpath.normpath(posixpath.join("/top", key))
        assert joined == f"/top/{key}"
        assert joined.startswith("/top/")
        assert len(key.encode()) <= 1024
        assert not {"\0", "\n", "\\"} & set(key)


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/\\"),
                        min_size=1, max_size=20), min_size=1, max_size=10))  # fmt: skip
def test_ordinary_paths_are_accepted_unchanged(parts: list[str]) -> None:
    """Parts of any printable or unusual letters make a key, which comes back as it was given."""
    key = "/".join(f"{part}~" for part in parts)  # the tilde: never . or ..
    if len(key.encode()) <= 1024:
        assert check_key(key) == key


@given(ANY_TEXT)
def test_prefixes_are_what_keys_begin_with(key: str) -> None:
    """Every beginning of a key is a prefix; what is no prefix begins no key."""
    if accepted(key):
        for end in range(len(key) + 1):
            assert check_prefix(key[:end]) == key[:end]


@given(ANY_TEXT)
def test_is_key_agrees_with_check_key(key: str) -> None:
    """Listings leave out exactly what the methods refuse."""
    assert is_key(key) == accepted(key)


def test_the_tables_of_the_contract_are_right() -> None:
    """Each bad key of the contract is refused, each good one accepted."""
    assert [key for key in BAD_KEYS if accepted(key)] == []
    assert [key for key in GOOD_KEYS if not accepted(key)] == []


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "it is empty"),
        ("/etc", "it begins with /"),
        ("a/", "it has an empty part"),
        ("a/../b", "it has a part that is . or .."),
        ("a\tb", "it has a control character"),
        ("\udfff", "it has half of a surrogate pair"),
        ("a\\b", "it has a backslash"),
        ("é" * 513, "it is longer than 1024 bytes"),
    ],
)
def test_a_refusal_gives_its_reason(key: str, reason: str) -> None:
    """The error says why, and how a key looks; it can be printed."""
    with pytest.raises(InvalidKey, match=reason) as caught:
        check_key(key)
    assert "daily/2026-11-22.csv" in caught.value.fix
    assert str(caught.value).encode()


@pytest.mark.parametrize("key", [None, 1, b"a", ["a"]])
def test_only_text_is_a_key(key: object) -> None:
    """Bytes, None and others are refused with the same error."""
    with pytest.raises(InvalidKey, match="it is no text"):
        check_key(key)  # type: ignore[arg-type]  # what callers without a type checker do


def test_the_limit_counts_bytes() -> None:
    """1,024 bytes are a key, and its letters may be fewer."""
    assert check_key("x" * 1024)
    assert check_key("é" * 512)
    assert check_key("😀" * 256)
