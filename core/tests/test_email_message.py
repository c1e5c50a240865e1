"""What an e-mail looks like: headers that nobody can add to, text, HTML, files, threads."""

import email
import email.policy
import re
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr, unquote
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import assume, example, given, strategies as st

from brickwork import Attachment, Notification, Severity
from brickwork.builtin.notifiers.email.addresses import Mailbox, Parties
from brickwork.builtin.notifiers.email.message import compose, plain, thread_id

ID = "<1742@example.com>"


def parties(sender: str = "Operations <ops@example.com>", to: str = "b@example.com") -> Parties:
    """Return one sender and one recipient."""
    return Parties(Mailbox.parse(sender), (Mailbox.parse(to),), (), (), ())


def composed(notification: Notification, **options: Any) -> EmailMessage:
    """Return the message as the standard library reads it."""
    between = options.pop("between", parties())
    content = compose(between, notification, **{"message_id": ID, **options})
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    """Return one of the alternatives."""
    part = message.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content.replace("\r\n", "\n")


class Reader(HTMLParser):
    """Collects texts, links and elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


# Everything together


FULL = Notification(
    "Load failed",
    "3 of 40 files\n  indented",
    severity=Severity.ERROR,
    fields={"run": "1742", "host": "db<1>"},
    url="https://example.com/runs/1742?a=1&b=2",
    links={"Runbook": "https://example.com/runbook"},
    tags=frozenset({"etl", "db"}),
    attachments=(
        Attachment("log.txt", "zw\u00f6lf\n".encode(), "text/plain; charset=utf-8"),
        Attachment("gr\u00f6\u00dfe.csv", b"a,b\n", "text/csv"),
        Attachment("image.png", b"\x89PNG\x00", "image/png"),
    ),
)


def test_headers() -> None:
    """Who, what, when, how urgent; and that no machine should answer."""
    message = composed(FULL, subject_prefix="[prod] ")

    assert message["From"] == "Operations <ops@example.com>"
    assert message["To"] == "b@example.com"
    assert message["Subject"] == "[prod] Load failed"
    assert message["Message-ID"] == ID
    assert message["Date"].datetime.tzinfo is not None
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Keywords"] == "db, etl"
    assert message["X-Brickwork-Severity"] == "error"
    assert "In-Reply-To" not in message


def test_text() -> None:
    """The text says everything, the title first."""
    assert text_of(composed(FULL)) == (
        "[ERROR] Load failed\n\n"
        "3 of 40 files\n  indented\n\n"
        "run: 1742\nhost: db<1>\n\n"
        "https://example.com/runs/1742?a=1&b=2\nRunbook: https://example.com/runbook\n\n"
        "Tags: db, etl\n"
    )


def test_html() -> None:
    """So does the HTML, with links, a table, and everything escaped."""
    page = text_of(composed(FULL), "html")
    read = Reader(page)

    assert read.links == ["https://example.com/runs/1742?a=1&b=2", "https://example.com/runbook"]
    shown = " ".join(read.texts)
    for part in ("ERROR", "Load failed", "3 of 40 files", "run", "1742", "db<1>", "db, etl"):
        assert part in shown
    assert "&nbsp; indented" in page
    assert "db&lt;1&gt;" in page


def test_attachments() -> None:
    """Files keep their names, types and bytes."""
    got = list(composed(FULL).iter_attachments())

    assert [part.get_filename() for part in got] == ["log.txt", "gr\u00f6\u00dfe.csv", "image.png"]
    assert [part.get_content_type() for part in got] == ["text/plain", "text/csv", "image/png"]
    assert got[0].get_content() == "zw\u00f6lf\n"
    assert got[2].get_content() == b"\x89PNG\x00"


@pytest.mark.parametrize(
    ("given_type", "type_sent"),
    [
        ("TEXT/HTML", "text/html"),
        ("application/vnd.ms-excel", "application/vnd.ms-excel"),
        ("nonsense", "application/octet-stream"),
        ("text/plain\r\nX-Evil: 1", "text/plain"),
        ("text/plain; name=\r\n\r\nevil", "text/plain"),
        ("message/rfc822", "application/octet-stream"),
        ("multipart/mixed", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_media_types_that_are_none(given_type: str, type_sent: str) -> None:
    """A type that is none, or that would be read as a message, is sent as bytes."""
    (part,) = composed(
        Notification("x", attachments=(Attachment("a.bin", b"one\ntwo", given_type),))
    ).iter_attachments()

    assert part.get_content_type() == type_sent
    assert part.get_payload(decode=True) == b"one\ntwo"
    assert "X-Evil" not in part


@given(st.text(min_size=1, max_size=80).filter(lambda n: n.isprintable() and n.strip()))
@example("=?utf-8?q?=0D=0AX-Evil:_1?=.txt")
@example('quote".txt')
@example("back\\slash.txt")
@example("semi;colon=x.txt")
@example("\u00e4" * 80)
@example("per%20cent.txt")
@example("utf-8''x.txt")
def test_names_of_files_arrive_as_they_are(name: str) -> None:
    """A file's name is a name, whatever it is, and no header."""
    name = name.replace("/", "_")
    assume(unquote(name.strip()) == name.strip())  # get_filename takes such quotes off once more
    message = composed(Notification("x", attachments=(Attachment(name, b"one"),)))
    (part,) = message.iter_attachments()

    assert part.get_filename() == name.strip()  # which get_filename does itself
    assert part.get_payload(decode=True) == b"one"
    known = {"content-type", "content-disposition", "content-transfer-encoding", "mime-version"}
    assert {header.lower() for header in part.keys()} <= known  # noqa: SIM118  # a message is no dict


@pytest.mark.parametrize(
    ("severity", "importance", "priority"),
    [
        ("critical", "high", "1 (Highest)"),
        ("error", "high", "2 (High)"),
        ("warning", "normal", "3 (Normal)"),
        ("success", "normal", "3 (Normal)"),
        ("info", "normal", "3 (Normal)"),
    ],
)
def test_severity_is_importance(severity: str, importance: str, priority: str) -> None:
    """Programs that read mail mark what is urgent."""
    message = composed(Notification("x", severity=Severity(severity)))
    assert (message["Importance"], message["X-Priority"]) == (importance, priority)


def test_severities_have_colours() -> None:
    """Each severity looks different."""
    pages = [text_of(composed(Notification("x", severity=each)), "html") for each in Severity]
    assert len({colour for page in pages for colour in re.findall("solid (#.{6})", page)}) == 5


# Threads


def test_one_key_is_one_conversation() -> None:
    """All with a key name the same message, and have the same subject, whatever their titles."""
    first = composed(Notification("down", thread_key="db-1"), subject_prefix="[x] ")
    second = composed(Notification("up again", thread_key="db-1"), subject_prefix="[x] ")
    other = composed(Notification("down", thread_key="db-2"), subject_prefix="[x] ")

    assert first["References"] == first["In-Reply-To"] == second["References"]
    assert first["Subject"] == second["Subject"] == "[x] db-1"
    assert other["References"] != first["References"]
    assert text_of(second).startswith("[INFO] up again\n")


@given(st.text())
def test_thread_ids_are_ids(key: str) -> None:
    """Any key gives an id that a header can hold, and always the same."""
    made = thread_id(key, "example.com")
    assert re.fullmatch(r"<[a-z0-9.-]+@example\.com>", made)
    assert made == thread_id(key, "example.com")


# HTML that is given, and HTML that is not wanted


def test_given_html_replaces_the_body() -> None:
    """A piece of HTML stands where the body would; fields and links stay."""
    message = composed(
        Notification("x", "plain body", html="<b>bold</b> body", fields={"run": "1742"})
    )
    page = text_of(message, "html")

    assert "<b>bold</b> body" in page
    assert "plain body" not in page
    assert "1742" in page
    assert "plain body" in text_of(message)


@pytest.mark.parametrize("start", ["<!DOCTYPE html><html>", "  <HTML lang='en'>"])
def test_a_whole_page_is_sent_as_it_is(start: str) -> None:
    """Who gives a whole page has laid it out."""
    page = f"{start}<body>mine</body></html>\n"
    assert text_of(composed(Notification("x", html=page)), "html") == page


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>1</script>",
        "vbscript:x",
        'https://example.com/" onclick="x',
        "https://example.com/' onclick='x",
        "https://example.com/><script>",
        "//example.com",
        "file:///etc/passwd",
    ],
)
def test_links_that_are_none_are_text(url: str) -> None:
    """Only http, https and mailto can be clicked; the others are shown."""
    page = text_of(composed(Notification("x", url=url, links={"words": url})), "html")
    read = Reader(page)

    assert read.links == []
    assert read.attributes <= SAFE_ATTRIBUTES
    assert "script" not in read.elements
    assert " ".join(url.split()) in " ".join("".join(read.texts).split())


SAFE_ATTRIBUTES = {
    *("align", "cellpadding", "cellspacing", "charset", "content", "href", "name", "role"),
    *("style", "valign", "width"),
}
SAFE_ELEMENTS = {
    *("html", "head", "meta", "title", "body", "table", "tr", "td", "th", "div", "h1", "br", "a"),
}

HOSTILE = st.text(st.sampled_from("<>&\"'/=!- ;:#a1scriptonx\n\t\r\x00\u2028"), max_size=40)


@given(HOSTILE.filter(str.strip), HOSTILE, HOSTILE, HOSTILE)
@example("</title><script>", "</div><img src=x onerror=y>", "<b>", "<!--")
@example("&lt;b&gt;", "<![CDATA[<script>]]>", "'\"><", "&#60;script&#62;")
def test_no_text_becomes_html(title: str, body: str, name: str, value: str) -> None:
    """Whatever the texts are, the elements and attributes are ours."""
    notification = Notification(
        title, body, fields={name: value}, links={name: value}, tags=frozenset({value})
    )
    read = Reader(text_of(composed(notification), "html"))

    assert read.elements <= SAFE_ELEMENTS
    assert read.attributes <= SAFE_ATTRIBUTES


# Headers that nobody can add to


ANY = st.text(max_size=120)
NAMES = {
    *("from", "to", "subject", "date", "message-id", "in-reply-to", "references"),
    *("auto-submitted", "x-auto-response-suppress", "importance", "x-priority"),
    *("x-brickwork-severity", "keywords", "mime-version", "content-type"),
    "content-transfer-encoding",
}


@given(title=ANY.filter(str.strip), key=ANY, tag=ANY, prefix=ANY.filter(str.isprintable))
@example(title="x\r\nBcc: evil@example.com", key="", tag="", prefix="")
@example(title="x\nBcc: evil@example.com\n\nbody", key="y\r\n\r\nz", tag="t\r\nX: y", prefix="")
@example(title="x\u2028Bcc: e\x0bf\x0c\x1c\x1d\x1e\x85g", key="\x85", tag="\x1c", prefix="")
@example(title="=?utf-8?q?=0D=0ABcc:_evil@example.com?=", key="", tag="", prefix="")
@example(title="\ud800 half \udfff", key="\ud800", tag="\udfff", prefix="")
@example(title="\u00e4" * 300, key="", tag="", prefix="[\u00e4] ")
@example(title="x" * 3000, key="", tag="", prefix="")
@example(title="a" * 75 + " =?utf-8?q?b?= " + "\u00e4", key="", tag="", prefix="")
def test_no_text_becomes_a_header(title: str, key: str, tag: str, prefix: str) -> None:
    """Whatever the texts are, the headers are ours, the lines short, and all is ASCII."""
    notification = Notification(title, "body", thread_key=key or None, tags=frozenset({tag}))
    content = compose(parties(), notification, message_id=ID, subject_prefix=prefix)

    content.decode("ascii")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 998
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert {name.lower() for name in message.keys()} <= NAMES  # noqa: SIM118  # a message is no dict
    assert message["To"] == "b@example.com"
    assert isinstance(message, EmailMessage)
    assert "body" in text_of(message)


WORDS = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn")), min_size=1, max_size=150
).map(lambda text: " ".join(text.split()))


@given(WORDS.filter(bool))
@example("plain words")
@example("gr\u00fc\u00dfe \u65e5\u672c \U0001f44d " * 8 + "end")
@example('quotes " and \\ and ( comment )')
@example("=?utf-8?q?looks_encoded?=")
@example("a " * 70 + "a")
@example("\u00e4" * 150)
@example("word " * 15 + "\u00e4 " * 20 + "end")
def test_subjects_arrive_as_they_are(title: str) -> None:
    """What the reader sees is the title."""
    assert composed(Notification(title))["Subject"] == title


@given(WORDS.filter(bool).filter(lambda name: len(name) <= 128 and not set("<>") & set(name)))
@example("Team, Data")
@example('the "best" team')
@example("J\u00f6rg, (Ops) @ Home")
@example("a" * 128)
@example("\u00e4, " * 40)
def test_names_arrive_as_they_are(name: str) -> None:
    """A name to show is a name, and never another address."""
    between = Parties(
        Mailbox(name, "a", "example.com"), (Mailbox(name, "b", "example.com"),), (), (), ()
    )
    message = email.message_from_bytes(compose(between, Notification("x"), message_id=ID))
    for field, address in (("From", "a@example.com"), ("To", "b@example.com")):
        # The newer reader of the standard library puts blanks between encoded words.
        written, got = parseaddr(message[field].replace("\r\n", ""))
        assert (str(make_header(decode_header(written))), got) == (name, address)


@given(st.text(max_size=300), st.text(max_size=100), st.text(max_size=100))
def test_texts_arrive_as_they_are(body: str, name: str, value: str) -> None:
    """The text is what `plain` makes, but for what no mail can carry."""
    notification = Notification("x", body, fields={name: value})
    got = text_of(composed(notification))

    def without_blanks(text: str) -> str:
        return re.sub("[\x00-\x20\x7f-\xa0\ud800-\udfff\ufffd-\uffff]+|\\s+", "", text)

    assert without_blanks(got) == without_blanks(plain(notification))


def test_copies_and_answers() -> None:
    """Who gets a copy shows; who gets a blind one does not; answers go where they should."""
    between = Parties(
        Mailbox.parse("ops@example.com"),
        (Mailbox.parse("a@example.com"), Mailbox.parse("B <b@example.com>")),
        (Mailbox.parse("c@example.com"),),
        (Mailbox.parse("hidden@example.com"),),
        (Mailbox.parse("help@example.com"),),
    )
    message = composed(Notification("x"), between=between)

    assert message["To"] == "a@example.com, B <b@example.com>"
    assert message["Cc"] == "c@example.com"
    assert message["Reply-To"] == "help@example.com"
    assert "hidden" not in message.as_string()


def test_blind_copies_alone() -> None:
    """With nobody in to and cc, the header says so, as servers expect one."""
    between = Parties(
        Mailbox.parse("ops@example.com"), (), (), (Mailbox.parse("hidden@example.com"),), ()
    )
    message = composed(Notification("x"), between=between)

    assert message["To"] == "undisclosed-recipients:;"
    assert "hidden" not in message.as_string()
