"""Templates: what they make of a notification, and what happens when they cannot."""

import sys
from typing import ClassVar

import pytest
from hypothesis import given, settings, strategies as st

from brickwork import Block, MessageTemplate, Notification, Notifier, Receipt, Secret, Vault, notify
from brickwork.notifier import DeliveryStatus, Rendered, with_problem
from brickwork.notifier.template import MAX_SOURCE
from brickwork.notifier.template_sandbox import MAX_BYTES, compiled

LOADED = Notification(
    "Load failed",
    "3 of <40>\nfiles",
    severity="error",  # type: ignore[arg-type]  # a text is taken
    fields={"run": "1742", "copy": "x"},
    url="https://example.com/1742",
    thread_key="nightly",
    tags=frozenset({"etl", "db"}),
    links={"Runbook": "https://example.com/runbook"},
    html="<p>3 of &lt;40&gt;</p>",
)


def made(body: str, notification: Notification = LOADED) -> str:
    """Return the body that a template makes; it must go well."""
    rendered = MessageTemplate(body=body).render(notification)
    assert rendered.problem == "", rendered.problem
    return rendered.notification.body


# What a template can do


def test_every_part_is_named_in_a_template() -> None:
    """A template reads all parts of the notification; tags come sorted, None shows as nothing."""
    text = made(
        "{{ severity|upper }} {{ title }}: {{ body }} {{ url }} {{ thread_key }}/{{ dedupe_key }}\n"
        "{% for name, value in fields.items() %}{{ loop.index }}. {{ name }}={{ value }}"
        "{% if not loop.last %}, {% endif %}{% endfor %} {{ tags|join('+') }} {{ links.Runbook }}"
    )
    assert text == (
        "ERROR Load failed: 3 of <40>\nfiles https://example.com/1742 nightly/\n"
        "1. run=1742, 2. copy=x db+etl https://example.com/runbook"
    )


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ fields.run }} {{ fields['run'] }} {{ fields.get('no', '-') }}", "1742 1742 -"),
        ("{{ fields.copy }}", "x"),
        ("{{ fields.no|default('none')|upper }} {{ fields.no is defined }}", "NONE False"),
        ("{{ body.split('\n')[1] }}", "files"),
        ("{{ 'bad' if severity in ('error', 'critical') else 'good' }}", "bad"),
        ("{{ fields.run|int + 1 }} {{ 7 // 2 }} {{ -3 * 2 }} {{ 7 % 4 }}", "1743 3 -6 3"),
        ("{{ 'a' + 'b' ~ 1 ~ none }}", "ab1"),
        ("{{ tags|map('upper')|sort(reverse=true)|join(' ') }}", "ETL DB"),
        ("{{ tags|select('in', ['db'])|list|length }}", "1"),
        ("{{ title|replace('L', 'l')|truncate(6, true, '', 0) }}|", "load f|"),
        ("{{ body|indent(2) }}", "3 of <40>\n  files"),
        ("{% set n = fields|length %}{% with m = n %}{{ m }}{% endwith %}", "2"),
        ("{% for i in range(3) if i %}{{ i }}{% else %}no{% endfor %}", "12"),
        ("{# a note #}{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{{ fields|dictsort|first|last }}", None),
    ],
)
def test_usual_templates_work(template: str, text: str | None) -> None:
    """What people write in templates of messages works as Jinja2 says."""
    assert made(template) == (text or "x")


def test_parts_that_are_left_out_stay() -> None:
    """Only what has a template changes; a new body leaves out the HTML of the old one."""
    title = MessageTemplate(title="{{ severity }}\n\n {{ title }} ").render(LOADED).notification
    assert title.title == "error Load failed"
    assert (title.body, title.html, title.fields) == (LOADED.body, LOADED.html, LOADED.fields)
    body = MessageTemplate(body="new").render(LOADED).notification
    assert (body.title, body.body, body.html) == (LOADED.title, "new", None)
    both = MessageTemplate(body="new", html="<b>new</b>").render(LOADED).notification
    assert (both.body, both.html) == ("new", "<b>new</b>")


def test_html_is_escaped_and_text_is_not() -> None:
    """Values in HTML are data; nothing switches the escaping off."""
    source = "<b>{{ body }}</b>{{ '<i>' ~ fields.run }}"
    rendered = MessageTemplate(body=source, html=source).render(LOADED).notification
    assert rendered.body == "<b>3 of <40>\nfiles</b><i>1742"
    assert rendered.html == "<b>3 of &lt;40&gt;\nfiles</b>&lt;i&gt;1742"
    for way in ("{{ body|safe }}", "{% autoescape false %}{{ body }}{% endautoescape %}"):
        assert MessageTemplate(html=way).render(LOADED).problem


# What goes wrong


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("one\n{{ nothing }}", "body, line 2: it uses what is not defined"),
        ("{{ fields.nothing }}", "body, line 1: it uses what is not defined"),
        ("{{ nothing() }}", "body, line 1: it uses what is not defined"),
        ("one\n\n{% if %}", "body, line 3: it is no template"),
        ("{{ title", "body, line 1: it is no template"),
        ("\n{{ 1 / 0 }}", "body, line 2: it ended with ZeroDivisionError"),
        ("\n{{ title|nothing }}", "body, line 2: it does what templates must not do"),
        ("{{ tags }}", "body, line 1: it does what templates must not do"),
        ("{{ body.find() }}", "body, line 1: it ended with TypeError"),
    ],
)
def test_an_error_falls_back_to_the_whole_notification(template: str, problem: str) -> None:
    """Where one part fails, all stay as they were; part, line and kind are told."""
    rendered = MessageTemplate(title="fine", body=template).render(LOADED)
    assert rendered == Rendered(LOADED, problem)


@pytest.mark.parametrize("source", ["", " \n ", "{% if false %}x{% endif %}"])
def test_a_title_is_never_empty(source: str) -> None:
    """A template that makes an empty title has failed."""
    assert MessageTemplate(title=source).render(LOADED) == Rendered(LOADED, "title: it is empty")


def test_problems_show_no_value() -> None:
    """What went wrong is told without what the notification holds."""
    notification = Notification("t", "sentinel-of-a-value")
    for source in (
        "{{ fields[body] }}",
        "{{ body|int / body }}",
        "{{ body.x }}",
        "{{ range(body) }}",
    ):
        rendered = MessageTemplate(body=source).render(notification)
        assert rendered.problem
        assert "sentinel" not in rendered.problem


ESCAPES = [
    # to classes, modules and frames
    "{{ title.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ title['__class__'] }}",
    "{{ title|attr('__class__') }}",
    "{{ title|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ [title]|map(attribute='__class__')|join }}",
    "{{ [title]|map('attr', '__class__')|join }}",
    "{{ fields|map(attribute='__init__')|first }}",
    "{{ [title, body]|sort(attribute='__class__')|first }}",
    "{{ [title, title]|unique(attribute='__class__')|first }}",
    "{{ [title]|selectattr('__class__')|first }}",
    "{{ ().__class__.__base__ }}",
    "{{ title.upper.__self__ }}",
    "{{ title.upper.__call__() }}",
    "{{ loop.__init__ }}",
    "{% for x in tags %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "{% for x in tags %}{{ loop._iterator }}{% endfor %}",
    "{{ range.__globals__ }}",
    "{{ fields.items.__self__ }}",
    "{{ (tags|map('upper')).gi_frame }}",
    "{{ (tags|map('upper')).gi_frame.f_globals }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    # formats
    "{{ '{0.__class__}'.format(title) }}",
    "{{ '{x.__class__}'.format_map({'x': title}) }}",
    "{{ ('{0.__class__}'.format)(title) }}",
    "{{ '%s'|format(title) }}",
    "{{ '%(x)s' % fields }}",
    "{{ '%s' % title }}",
    "{{ [title]|map('format')|join }}",
    "{{ title.encode() }}",
    "{{ title.translate({}) }}",
    # what Jinja2 brings
    "{{ lipsum.__globals__ }}",
    "{{ lipsum(n=1000000) }}",
    "{{ cycler.__init__ }}",
    "{{ namespace(x=1) }}",
    "{{ dict(x=1) }}",
    "{{ joiner() }}",
    "{{ config }}",
    "{{ request }}",
    "{{ get_flashed_messages }}",
    "{{ title.upper }}",
    "{{ range }}",
    "{{ (tags|map('upper')) }}",
    # files and blocks
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os }}",
    "{% from 'os' import system %}",
    "{% extends 'base' %}",
    "{% block x %}{% endblock %}",
    "{% macro m() %}{{ caller }}{% endmacro %}{{ m() }}",
    "{% call title() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% do fields.clear() %}",
    # changes
    "{{ fields.update({'a': 1}) }}",
    "{{ fields.clear() }}",
    "{{ fields.pop('run') }}",
    "{{ tags.append(1) }}",
    "{{ tags.clear() }}",
    "{% set fields.run = 1 %}",
    # sizes
    "{{ 'x' * 10 ** 10 }}",
    "{{ 'x' * 1000000000 }}",
    "{{ [1] * 1000000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ 999999999999 * 999999999999 * 2 }}",
    "{{ 5|round(-1000000000) }}",
    "{{ 'x'|center(1000000000) }}",
    "{{ 'x'.ljust(1000000000) }}",
    "{{ 'x'.zfill(1000000000) }}",
    "{{ '\t'.expandtabs(1000000000) }}",
    "{{ 'a\nb'|indent(1000000000) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '{:>1000000000}'.format(1) }}",
    "{{ title.join(tags) }}",
    "{{ title|batch(1000000000, 'x')|list }}",
    "{{ title|slice(1000000000)|list }}",
    "{{ title|wordwrap(1) }}",
    "{{ fields|tojson(1000000000) }}",
    "{{ fields|pprint }}",
    "{{ fields|xmlattr }}",
    "{{ [1]|sum(start=[]) }}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a ~ a ~ a ~ a ~ a ~ a ~ a ~ a ~ a %}" * 12,
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a + a %}" * 40,
    "{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "{{ a|string }}",
    "{% set a = (1,) %}" + "{% set a = (a, a) %}" * 60 + "{{ a == a }}",
    "{% set a = 'ab' %}" + "{% set a = a|replace('a', 'aaaaaaaaaaaaaaaaaaaa') %}" * 12,
    "{% set a = 'ab' %}" + "{% set a = a|list|join(a) %}" * 30,
    "{% set a = '<' %}" + "{% set a = a|e %}{% set a = a ~ a %}" * 40,
    # time
    "{% for i in range(1000000000) %}{% endfor %}",
    "{{ range(100000000000000000000)|list }}",
    "{{ range(1000000000)|join }}",
    "{% for a in range(999) %}{% for b in range(999) %}{% for c in range(999) %}"
    + "{% endfor %}" * 3,
    "{% for a in range(999) %}{% for b in range(999) %}{{ body }}{% endfor %}{% endfor %}",
    "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{{ title" + "|upper" * 3000 + " }}",
    "{% if 1 %}" * 200 + "{% endif %}" * 200,
    "{% for a in tags %}" * 60 + "{% endfor %}" * 60,
    "{{ " + "9" * 5000 + " }}",
    "{{ not " * 2000,
    # what is inside
    "{{ title|_flat }}",
    "{{ tags|_counted }}",
    "{{ tags|_concatenated }}",
]


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("source", ESCAPES, ids=lambda source: source[:50])
def test_nothing_leaves_the_sandbox(source: str, html: bool) -> None:
    """Whatever a template tries, the notification goes as it is, soon, and nothing changed."""
    before = LOADED.masked()
    template = MessageTemplate(**{"html" if html else "body": source})
    rendered = template.render(LOADED)
    assert rendered.notification is LOADED, rendered.notification.body[:200]
    assert rendered.problem
    assert before == LOADED


def test_the_corpus_of_escapes_is_no_list_of_typing_errors() -> None:
    """Most of what is tried is a template that Jinja2 alone would take."""
    from jinja2 import Environment, TemplateError

    taken = 0
    for source in ESCAPES:
        try:
            Environment().parse(source)
        except (TemplateError, RecursionError, ValueError):
            continue
        taken += 1
    assert taken >= 90


def test_size_is_limited_to_the_byte() -> None:
    """A result of the greatest size is taken, and not one byte more."""
    at_limit = Notification("t", "é" * (MAX_BYTES // 2))
    assert MessageTemplate(body="{{ body }}").render(at_limit).problem == ""
    rendered = MessageTemplate(body="{{ body }}!").render(at_limit)
    assert rendered == Rendered(at_limit, "body, line 1: it is too large or takes too long") or (
        rendered.problem == "body: it is too large or takes too long"
    )


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *("{{ ", " }}", "{% for x in ", "%}", "{% endfor %}", "{% if ", "{% endif %}"),
                *("title", "body", "fields", "tags", "x", "1", "'a'", "[", "]", "(", ")", ".", "|"),
                *(" ~ ", " + ", " * ", "join", "upper", "items()", "__class__", "range(9)", "\n"),
            ]
        ),
        max_size=12,
    )
)
def test_no_template_raises(pieces: list[str]) -> None:
    """Any text at all is rendered, or is a problem; never an error."""
    rendered = MessageTemplate(body="".join(pieces)).render(LOADED)
    assert rendered.notification is LOADED or rendered.problem == ""


# Secrets


def test_secrets_are_hidden_before_and_after() -> None:
    """A template never sees a secret, and cannot put one together that then leaves."""
    secret = Secret("sentinel-8c1f40")
    notification = Notification(
        f"t {secret.reveal()}", fields={"a": "sentinel-", "b": secret.reveal()}
    )
    for body in ("{{ title }}{{ fields.b }}", "{{ fields.a ~ '8c1f40' }}", "{{ title|list|join }}"):
        rendered = MessageTemplate(body=body, html=body).render(notification)
        assert rendered.problem == ""
        assert secret.reveal() not in rendered.notification.body
        assert secret.reveal() not in (rendered.notification.html or "")


def test_a_secret_in_a_template_is_hidden() -> None:
    """What is written in the template itself is masked as well."""
    secret = Secret("sentinel-77aa01")
    rendered = MessageTemplate(title="x", body=f"key {secret.reveal()}").render(LOADED)
    assert rendered.notification.body == "key ***"


# Where it is used


class Kept(Notifier):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.got: list[Notification] = []

    def deliver(self, notification: Notification) -> Receipt:
        self.got.append(notification)
        return Receipt(self.describe(), DeliveryStatus.DELIVERED)

    def describe(self) -> str:
        return "kept"


def test_notify_sends_what_the_template_makes() -> None:
    """All targets get the rendered notification."""
    kept = Kept()
    receipts = notify([kept, kept], title="a", template=MessageTemplate(title="<{{ title }}>"))
    assert [each.title for each in kept.got] == ["<a>", "<a>"]
    assert [receipt.detail for receipt in receipts] == ["", ""]


def test_receipts_tell_of_a_template_that_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """The notification arrives as it is; each receipt of a delivery says why."""
    template = MessageTemplate(body="{{ nothing }}")
    receipts = notify(
        ["console:stdout", "webhook/missing"], title="a", body="plain", template=template
    )
    assert "plain" in capsys.readouterr().out
    told = "its template failed (body, line 1: it uses what is not defined), sent as plain text"
    assert (receipts[0].status, receipts[0].detail) == (DeliveryStatus.DELIVERED, told)
    assert receipts[1].status is DeliveryStatus.REFUSED
    assert "template" not in receipts[1].detail
    (rehearsed,) = notify(Kept(), title="a", template=template, dry_run=True)
    assert rehearsed.detail == f"{told}; would be sent"


def test_a_problem_is_told_once_and_only_of_what_was_sent() -> None:
    """A receipt without a problem, or of what was not sent, stays as it is."""
    delivered = Receipt("x", DeliveryStatus.DELIVERED, detail="split")
    assert with_problem(delivered, "") is delivered
    failed = Receipt("x", DeliveryStatus.FAILED)
    assert with_problem(failed, "title: it is empty") is failed
    assert with_problem(delivered, "p").detail.endswith("; split")


def test_a_block_keeps_a_template(memory_vault: Vault) -> None:
    """A template is a field of a block: saved, loaded, compared."""

    class Announcing(Block):
        """Says it in its own words."""

        slug: ClassVar[str] = "test-announcing"
        template: MessageTemplate | None = None

    block = Announcing(template=MessageTemplate(title="{{ title }}", html="<b>{{ body }}</b>"))
    block.save("a")
    assert Announcing.load("a") == block
    broken = Announcing(template=MessageTemplate(body="{% if %}"))
    broken.save("broken")  # Jinja2 may be missing where it is saved: `problems` is for checks
    loaded = Announcing.load("broken").template
    assert loaded is not None
    assert loaded.problems() == ("body, line 1: it is no template",)


def test_problems_are_found_without_a_notification() -> None:
    """All parts are looked at; what needs values is left for later."""
    template = MessageTemplate(
        title="{{ title", body="\n{% include 'x' %}", html="{{ fields.unknown }}"
    )
    assert template.problems() == (
        "title, line 1: it is no template",
        "body, line 2: it does what templates must not do",
    )
    assert MessageTemplate(title="{{ title }}").problems() == ()


def test_fields_are_checked() -> None:
    """A template needs one part, none too large, and no other fields."""
    with pytest.raises(ValueError, match="give a template"):
        MessageTemplate()
    with pytest.raises(ValueError, match="at most"):
        MessageTemplate(body="x" * (MAX_SOURCE + 1))
    with pytest.raises(ValueError, match="footer"):
        MessageTemplate.model_validate({"body": "x", "footer": "y"})
    with pytest.raises(ValueError, match="frozen"):
        MessageTemplate(body="x").body = "y"  # type: ignore[misc]  # what is tested


def test_without_jinja2_the_plain_text_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is missing, the problem says what to install, and nothing is raised."""
    import brickwork.notifier

    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.delitem(sys.modules, "brickwork.notifier.template_sandbox")
    monkeypatch.delattr(brickwork.notifier, "template_sandbox")
    template = MessageTemplate(body="{{ title }}")
    rendered = template.render(LOADED)
    assert rendered.notification is LOADED
    assert "pip install 'brickwork[templates]'" in rendered.problem
    assert template.problems() == (rendered.problem,)


def test_jinja2_is_imported_only_to_render() -> None:
    """Making a template, or sending without one, costs no import of Jinja2."""
    import subprocess

    code = (
        "import sys; from brickwork import MessageTemplate, notify;"
        "MessageTemplate(body='x'); notify('console:', title='a');"
        "assert 'jinja2' not in sys.modules;"
        "assert MessageTemplate(body='x').problems() == () and 'jinja2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_what_is_compiled_is_kept_and_bounded() -> None:
    """The same template is compiled once; the store of compiled ones has an end."""
    assert compiled("kept {{ title }}", False) is compiled("kept {{ title }}", False)
    assert compiled("kept {{ title }}", True) is not compiled("kept {{ title }}", False)
    for number in range(100):
        compiled(f"{number}", False)
    assert compiled.cache_info().currsize <= 64
