"""The safe reader of YAML: what it understands, and what it refuses."""

import contextlib
import json
import math
import time

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from brickwork import _safe_yaml as safe_yaml
from brickwork.errors import InvalidYaml

VALUES = {
    "no": "no",
    "on": "on",
    "y": "y",
    "2026-01-01": "2026-01-01",
    "2026-01-01 10:00:00": "2026-01-01 10:00:00",
    "12:30:45": "12:30:45",
    "1_000": "1_000",
    "012345678901": "012345678901",
    "1.2.3": "1.2.3",
    "=": "=",
    "0o17": 15,
    "0xff": 255,
    "-17": -17,
    "+5": 5,
    "1.50": 1.5,
    "1e3": 1000.0,
    ".5": 0.5,
    "-.inf": -math.inf,
    "true": True,
    "False": False,
    "null": None,
    "~": None,
    "": None,
    "'1'": "1",
    '"true"': "true",
    '"\\u00e9\\n"': "é\n",
    "|\n  two\n  lines\n": "two\nlines\n",
}

REFUSED = {
    "alias bomb": b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
    "anchor": b"a: &a 1\n",
    "alias": b"a: *b\n",
    "python object": b"a: !!python/object/apply:os.system ['id']\n",
    "local tag": b"a: !Ref b\n",
    "lone tag": b"a: ! b\n",
    "str tag": b"a: !!str 1\n",
    "binary tag": b"a: !!binary aGVsbG8=\n",
    "named handle": b"%TAG !e! tag:example.com,2000:\n---\na: !e!x 1\n",
    "unknown handle": b"a: !sentinel!x 1\n",
    "merge key": b"a:\n  <<: {b: 1}\n",
    "duplicate key": b"a: 1\nb: 2\na: 3\n",
    "duplicate key, quoted": b"1: x\n'1': y\n",
    "list as key": b"? [a, b]\n: 1\n",
    "template": b"a: {{ sentinel }}\n",
    "huge integer": b"a: " + b"9" * 100_000 + b"\n",
    "huge hexadecimal": b"a: 0x" + b"f" * 100_000 + b"\n",
    "deep flow": b"[" * 50_000 + b"]" * 50_000,
    "deep mapping": b"{a: " * 50_000,
    "deep blocks": b"".join(b" " * n + b"a:\n" for n in range(2000)),
    "deep sequence": b"- " * 20_000,
    "NUL": b"a: b\0c\n",
    "UTF-16": "a: b\n".encode("utf-16"),
    "UTF-16 without BOM": "a: b\n".encode("utf-16-le"),
    "UTF-32": "a: b\n".encode("utf-32"),
    "Latin-1": "a: \xe9\n".encode("latin-1"),
    "control character": b"a: \x1b[0m\n",
    "lone surrogate": b"a: \xed\xa0\x80\n",
    "tab": b"a:\n\tb: 1\n",
    "reserved indicator": b"a: @sentinel\n",
    "backtick": b"a: `sentinel`\n",
    "open quote": b'a: "sentinel\n',
    "bad escape": b'a: "sentinel\\q"\n',
    "bad indent": b"a: 1\n  b: 2\n",
    "unclosed": b"a: [1, 2\n",
    "newer YAML": b"%YAML 3.0\n---\na: 1\n",
    "too large": b"#" * (10 * 1024 * 1024 + 1),
    "too many values": b"[" + b",".join([b"1"] * 500_001) + b"]",
    "zip": b"PK\x03\x04\x14\x00\x00\x00",
}


@pytest.fixture(params=["C", "Python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of PyYAML's two parsers."""
    name: str = request.param
    if name == "Python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    elif not hasattr(yaml, "CSafeLoader"):
        pytest.skip("this build of PyYAML has no parser in C")
    return name


@pytest.mark.parametrize("text", VALUES)
def test_plain_texts_mean_what_yaml_1_2_says(text: str, parser: str) -> None:
    """Dates, times, yes and no, and leading zeros are texts; numbers are numbers."""
    [found] = safe_yaml.load_all(f"a: {text}\n".encode())
    assert found == {"a": VALUES[text]}
    assert type(found["a"]) is type(VALUES[text])


def test_not_a_number_is_a_float() -> None:
    """``.nan`` is the float that equals nothing."""
    [found] = safe_yaml.load_all(b".nan")
    assert math.isnan(found)


def test_the_original_text_stays_with_a_value(parser: str) -> None:
    """Whoever knows that a text is wanted finds it as it was written."""
    [root] = safe_yaml.parse(b"a: 1.10\nb: 'no'\n")
    assert isinstance(root, safe_yaml.Mapping)
    first, second = root.entries["a"], root.entries["b"]
    assert isinstance(first, safe_yaml.Scalar)
    assert (first.text, first.plain, first.value()) == ("1.10", True, 1.1)
    assert second == safe_yaml.Scalar(safe_yaml.Place(2, 4), "no", plain=False)


def test_every_value_and_key_knows_its_place(parser: str) -> None:
    """Lines and columns count from 1, in characters, also after a byte order mark."""
    [root] = safe_yaml.parse("\ufeffé: [1,\n  {b: c}]\n".encode())
    assert isinstance(root, safe_yaml.Mapping)
    items = root.entries["é"]
    assert isinstance(items, safe_yaml.Items)
    assert (root.keys["é"], items.at) == ((1, 1), (1, 4))
    inner = items.items[1]
    assert isinstance(inner, safe_yaml.Mapping)
    assert (inner.at, inner.keys["b"], inner.entries["b"].at) == ((2, 3), (2, 4), (2, 7))


def test_all_documents_of_a_file_are_read(parser: str) -> None:
    """Several documents come back in order; an empty one is null, an empty file has none."""
    assert safe_yaml.load_all(b"a: 1\n---\n- 2\n---\n") == [{"a": 1}, [2], None]
    assert safe_yaml.load_all(b"") == []
    assert safe_yaml.load_all(b"# only a comment\n") == []


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_allowed_is_an_error_with_a_type(name: str, parser: str) -> None:
    """Bombs, tags, broken and foreign files raise InvalidYaml, soon, and quote no value."""
    data = REFUSED[name]
    if parser == "Python" and name == "too many values":
        pytest.skip("takes a minute")
    began = time.process_time()
    with pytest.raises(InvalidYaml) as caught:
        safe_yaml.load_all(data)
    assert time.process_time() - began < 10
    assert "sentinel" not in str(caught.value)
    assert caught.value.fix
    assert caught.value.__cause__ is None


def test_an_error_names_line_and_column(parser: str) -> None:
    """The place of what is wrong is in the error, for editors and for people."""
    with pytest.raises(
        InvalidYaml, match=r"^Line 3, column 1: the key 'a' stands twice, first"
    ) as e:
        safe_yaml.parse(b"a: 1\nb: 2\na: 3\n")
    assert (e.value.line, e.value.column) == (3, 1)


def test_a_long_number_may_be_a_text(parser: str) -> None:
    """A text of many digits is none of our business until somebody wants a number."""
    [root] = safe_yaml.parse(b"9" * 5000)
    assert isinstance(root, safe_yaml.Scalar)
    assert root.text == "9" * 5000


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No input leads to another error than InvalidYaml."""
    with contextlib.suppress(InvalidYaml):
        safe_yaml.load_all(data)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab01:-[]{}&*!|>'\"%@`#,?\n \t<\\.~\ufeff\x85\u2028", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No arrangement of the characters that mean something leads to another error."""
    with contextlib.suppress(InvalidYaml):
        safe_yaml.load_all(text.encode())


# YAML has fewer characters, and does not join the two escapes by which JSON may write one.
_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=20)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(_JSON)
def test_json_is_read_as_it_is(value: object) -> None:
    """What JSON can say means the same here."""
    text = json.dumps(value, ensure_ascii=False)
    assert safe_yaml.load_all(text.encode()) == [json.loads(text)]
