"""References in texts: what is one, what is literal, and that nothing gets lost."""

import pytest
from hypothesis import given, strategies as st

from brickwork import BlockError
from brickwork.vault.references import Reference, Template, escape, parse

WORDS = st.text(st.characters(exclude_characters="{}#", exclude_categories=["Cs"]), min_size=1)
REFERENCES = st.builds(
    Reference,
    st.from_regex(r"[a-z][a-z0-9+.-]{0,8}", fullmatch=True),
    WORDS,
    st.none() | WORDS,
)


@given(st.text())
def test_every_literal_can_be_written(literal: str) -> None:
    """What `escape` writes is read as the same literal text, whatever is in it."""
    assert parse(escape(literal)) == literal


@given(st.text(alphabet="${}a:#"))
def test_signs_alone_are_literal_too(literal: str) -> None:
    """Also where only the signs that mean something are."""
    assert parse(escape(literal)) == literal


@given(st.lists(st.text(alphabet="ab$ {}:", max_size=4) | REFERENCES, max_size=6))
def test_a_template_is_read_part_by_part(parts: list[str | Reference]) -> None:
    """References are found among literal text, and filled in their places."""
    written = "".join(escape(p) if isinstance(p, str) else str(p) for p in parts)
    # Two signs that stand in different parts may mean something together.
    if "$" in "".join(p[-1:] for p in parts if isinstance(p, str)):
        return
    found = parse(written)
    references = [p for p in parts if isinstance(p, Reference)]
    if not references:
        assert found == "".join(p for p in parts if isinstance(p, str))
        return
    assert isinstance(found, Template)
    assert found.references == references
    values = {reference: f"<{reference.path}>" for reference in references}
    assert found.filled(values) == "".join(p if isinstance(p, str) else values[p] for p in parts)


@pytest.mark.parametrize(
    "text", ["${", "${}", "${HOME}", "a ${env:} b", "${Env:A}", "${env:A", "${env:A#}", "${env:{}}"]
)
def test_what_is_almost_a_reference_is_refused(text: str) -> None:
    """It is neither taken literally nor guessed at; the error says how to write both."""
    with pytest.raises(BlockError) as caught:
        parse(text)
    assert "${env:NAME}" in str(caught.value)
    assert "$${" in str(caught.value)


def test_a_template_never_shows_its_text() -> None:
    """Literal text in a secret field may be a part of the secret."""
    template = parse("hunter2-${env:TAIL}")
    assert repr(template) == "Template(${env:TAIL})"


def test_renaming_touches_only_that_block() -> None:
    """References to versions of it move too; others, and those of other schemes, stay."""
    text = "$${x} ${block:secret/a#v} ${block:secret/a@3#v} ${block:secret/ab#v} ${env:secret/a}"
    template = parse(text)
    assert isinstance(template, Template)
    assert template.renamed("secret/a", "secret/b").text == (
        "$${x} ${block:secret/b#v} ${block:secret/b@3#v} ${block:secret/ab#v} ${env:secret/a}"
    )
