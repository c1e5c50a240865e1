"""What a new plugin may be called and have; everything else is refused with a way out."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import event, given, strategies as st

from brickwork.errors import BrickworkError, ConfigError, DuplicateName, InvalidName
from brickwork.scaffold import LICENSES, PARTS, Plan, check_name
from brickwork.scaffold.writing import files_of
from brickwork.testing.distributions import run_with, write_plugin


@pytest.mark.parametrize("given_name", ["acme", "brickwork-acme"])
def test_the_distribution_stands_for_the_plugin(given_name: str) -> None:
    """Both names mean the same plugin."""
    assert check_name(given_name) == "acme"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "Acme",
        "ac-me",
        "ac_me",
        "1acme",
        "acme cloud",
        "a" * 17,
        "../acme",
        "acme\n",
        "äcme",
    ],
)
def test_a_name_that_is_not_one_word_is_refused(name: str) -> None:
    """The error says what would be one."""
    with pytest.raises(InvalidName, match="lower-case letters and digits") as caught:
        check_name(name)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "another"), [("test", "acme"), ("testrail", "railtest"), ("brickwork-tests", "acme")]
)
def test_a_name_that_pytest_takes_for_a_test_is_refused(name: str, another: str) -> None:
    """Classes and functions that begin with it would be collected; another name is proposed."""
    with pytest.raises(InvalidName, match="pytest takes") as caught:
        check_name(name)
    assert another in caught.value.fix
    assert check_name(another) == another


@pytest.mark.parametrize(
    "name", ["brickwork", "core", "secret", "webhook", "file", "memory", "env"]
)
def test_a_name_of_the_core_is_taken(name: str) -> None:
    """Its blocks, schemes and plugins would be mistaken for the core's."""
    with pytest.raises(DuplicateName, match="taken by"):
        check_name(name)


@pytest.mark.parametrize("name", ["aws", "s3", "github", "hashicorp", "slack", "flows"])
def test_a_name_of_a_known_plugin_is_taken(name: str) -> None:
    """Whether that is installed or not."""
    with pytest.raises(DuplicateName, match="brickwork-"):
        check_name(name)


def test_a_name_of_an_installed_plugin_is_taken(tmp_path: Path) -> None:
    """Also of one that nobody knows here."""
    write_plugin(tmp_path, "acme", distribution="their-acme")
    code = """
    from brickwork.scaffold import check_name
    try:
        result = check_name("acme")
    except Exception as error:
        result = str(error)
    """
    assert "taken by their-acme" in run_with(tmp_path, code)[0]


@given(st.text(max_size=30))
def test_any_name_is_good_or_refused(name: str) -> None:
    """What comes through is a word; nothing else happens than the errors that are meant."""
    try:
        found = check_name(name)
    except (InvalidName, DuplicateName) as error:
        found = "refused" if error.fix else ""
    assert re.fullmatch(r"[a-z][a-z0-9]{1,15}", found)


ODD = st.text("aZ0 .+-_'`~#$%&<>@{}[]()|*:/\u00e4\u202e\u2028\ud800\n\x7f\"\\", max_size=20)


def _name(author: str | None) -> str:
    return (author or "").partition(" <")[0].strip(" ") or "The authors"


@given(ODD, ODD, ODD.map("https://x".__add__))
def test_any_texts_make_a_package_or_an_error(title: str, author: str, url: str) -> None:
    """No title, author or URL breaks the files that they are written into."""
    for options in ({"title": title}, {"author": author}, {"url": url}):
        try:
            plan = Plan.of("acme", parts=frozenset(), **options)
        except ConfigError as error:
            event("refused")
            assert error.fix  # noqa: PT017  # it need not be raised
            continue
        event(f"taken: {', '.join(options)}")
        files = files_of(plan)
        project = tomllib.loads(files["pyproject.toml"])["project"]
        assert project["authors"][0]["name"] == _name(options.get("author"))
        for path, text in files.items():
            text.encode()
            if path.endswith(".py"):
                compile(text, path, "exec")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"title": 'Ac"me'}, "title"),
        ({"title": "x" * 31}, "title"),
        ({"url": "http://acme.example"}, "URL"),
        ({"url": "https://a:b@acme.example"}, "URL"),
        ({"url": "https://..."}, "URL"),
        ({"url": f"https://{'a' * 91}"}, "URL"),
        ({"author": "Ann <ann>"}, "author"),
        ({"author": 'A"nn'}, "author"),
        ({"license": "WTFPL"}, "licence"),
        ({"parts": frozenset({"task", "sotrage"})}, "sotrage"),
    ],
)
def test_what_would_break_the_files_is_refused(options: dict[str, object], word: str) -> None:
    """The error names it, and says what would do."""
    with pytest.raises(ConfigError, match=word) as caught:
        Plan.of("acme", **options)  # type: ignore[arg-type]  # any of them
    assert caught.value.fix


@pytest.mark.parametrize(
    ("author", "name"), [("  Ann  ", "Ann"), ("Ann   <a@b.example>", "Ann"), (" ", "The authors")]
)
def test_spaces_are_no_part_of_an_author(author: str, name: str) -> None:
    """Neither around the name, nor instead of one."""
    project = tomllib.loads(files_of(Plan.of("acme", author=author))["pyproject.toml"])["project"]
    assert project["authors"][0]["name"] == name


def test_classes_are_written_as_the_title_is() -> None:
    """A title that is the name, spelt for people, begins the classes."""
    assert Plan.of("pagertree", title="PagerTree").class_prefix == "PagerTree"
    assert Plan.of("openweather", title="Open-Weather").class_prefix == "OpenWeather"
    assert Plan.of("acme", title="The Acme Cloud").class_prefix == "Acme"


@pytest.mark.parametrize(
    ("version", "wanted"),
    [("0.1.0", ("0.1", "0.2")), ("0.9.3", ("0.9", "0.10")), ("2.4.0", ("2.4", "3"))],
)
def test_the_range_of_the_core_ends_where_promises_end(
    version: str, wanted: tuple[str, str]
) -> None:
    """Before 1.0 with the next minor version, then with the next major one."""
    words = Plan.of("acme").words(version, 2026)
    assert (words["core"], words["next"]) == wanted


@pytest.mark.parametrize("name", LICENSES)
def test_every_licence_has_its_text(name: str) -> None:
    """With the year and the holder where it has places for them."""
    author = "Ann Example <ann@example.com>"
    files = files_of(Plan.of("acme", license=name, author=author))
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["license"] == name
    private = "Private :: Do Not Upload" in project["classifiers"]
    assert private == (name == "LicenseRef-Proprietary")
    assert ("Ann Example" in files["LICENSE"]) == (name != "Apache-2.0")
    assert "«" not in files["LICENSE"]


def test_parts_are_what_the_command_offers() -> None:
    """Credentials are there in any case."""
    assert Plan.of("acme", parts=frozenset({"task"})).parts == {"credentials", "task"}
    assert set(PARTS) >= {"credentials", "task", "notifier", "storage", "resolver"}


def test_errors_are_of_the_tree() -> None:
    """Whoever catches BrickworkError catches them."""
    assert issubclass(DuplicateName, BrickworkError)
    assert issubclass(ConfigError, BrickworkError)
