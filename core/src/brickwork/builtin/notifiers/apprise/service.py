"""One service of Apprise: what it takes, one attempt to send to it, and what is known of that.

Apprise (https://appriseit.com) tells only whether a service took a message. Why it did not is in
what it logs; HTTP services log ``error=STATUS``.
"""

import logging
import re
import sys
import time
from collections.abc import Callable
from contextvars import copy_context
from importlib import import_module
from threading import Event, Lock
from typing import Any, NamedTuple

from brickwork.builtin.notifiers.apprise.log import (
    Heard,
    hushed,
    listen,
    mask_private,
    mask_shown_as_private,
)
from brickwork.builtin.notifiers.attempts import Attempt
from brickwork.errors import NotifierError, OutboundRefused, PluginMissing
from brickwork.notifier import DeliveryStatus, Limits, Notification, Overflow, Severity

LOCAL = frozenset(
    {"blink1", "dbus", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"}
)
"""Schemes that act on this machine."""
GENERIC = frozenset({"form", "forms", "json", "jsons", "xml", "xmls"})
"""Schemes that post to any URL, past the policy for outbound requests."""
UNCONFIRMED = frozenset({"rsyslog"})
"""Schemes of services that never answer."""

_SCHEME = re.compile(r"([A-Za-z0-9]{2,32})://\S")
_STATUS = re.compile(r"\berror=([345][0-9]{2})\b")
# What urllib3 says when nothing was sent.
_NOT_CONNECTED = re.compile(
    "Failed to establish a new connection|NameResolutionError|ConnectTimeout"
)
_NOT_TAKEN = frozenset({429, 503})

_MAX_FILES = 100
_MAX_TAGS = 100
_MARK = "[CRITICAL] "  # the longest
_SHORT_TITLE = 40
_TYPES = {
    Severity.INFO: "info",
    Severity.SUCCESS: "success",
    Severity.WARNING: "warning",
    Severity.ERROR: "failure",
    Severity.CRITICAL: "failure",
}

_loading = Lock()
_loaded = Event()


def checked_scheme(url: str, *, allow_local: bool) -> str:
    """Return the scheme of an Apprise URL; Apprise itself is not needed for that.

    Raises:
        NotifierError: It is no such URL.
        OutboundRefused: Its scheme is refused.
    """
    found = _SCHEME.match(url)
    if found is None:
        raise NotifierError(
            "The URL is none of Apprise.",
            fix="Give one such as tgram://TOKEN/CHAT; https://appriseit.com/services/ lists them.",
        )
    scheme = found[1].lower()
    refuse_scheme(scheme, allow_local=allow_local)
    return scheme


def refuse_scheme(scheme: str, *, allow_local: bool) -> None:
    """Raise OutboundRefused for a scheme of Apprise that is not allowed."""
    if scheme in UNCONFIRMED:
        raise OutboundRefused(
            f"What is sent to {scheme}:// is never confirmed.",
            fix="Use a service that answers.",
        )
    if scheme in LOCAL and not allow_local:
        raise OutboundRefused(
            f"{scheme}:// acts on this machine.",
            fix="Use the block console, or set allow_local.",
        )
    if scheme in GENERIC and not allow_local:
        raise OutboundRefused(
            f"{scheme}:// posts to any URL, past the policy for outbound requests.",
            fix="Use the block webhook, or set allow_local.",
        )


def library() -> Any:
    """Import Apprise and its services.

    Raises:
        PluginMissing: It is not installed.
    """
    found: Any = sys.modules.get("apprise")
    if found is None or not _loaded.is_set():
        with _loading:
            found = _import()
        listen()
        _loaded.set()
    return found


def _import() -> Any:
    import warnings

    try:
        # What it imports of the standard library warns of its end.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            found: Any = import_module("apprise")
            found.NotificationManager().schemas()
    except ImportError:
        raise PluginMissing(
            "Apprise is not installed.", fix="pip install 'brickwork[apprise]'"
        ) from None
    return found


class Service:
    """A service of Apprise, for one message.

    Args:
        url: Its URL.
        allow_local: Whether services that act on this machine, and generic ones, are allowed.

    Raises:
        PluginMissing: Apprise is not installed.
        OutboundRefused: The service is not allowed.
        NotifierError: Apprise does not know or not accept the URL, or the service needs a package.
    """

    def __init__(self, url: str, *, allow_local: bool) -> None:
        checked_scheme(url, allow_local=allow_local)
        self._apprise = library()
        self._url = url
        with hushed():  # what it says of a URL that it does not accept quotes it
            self._plugin = self._opened(allow_local=allow_local)
        self.name = str(self._plugin.service_name)
        self.version = str(self._apprise.__version__)

    def _opened(self, *, allow_local: bool) -> Any:
        parsed = import_module("apprise.plugins").url_to_dict(self._url, secure_logging=True)
        if not parsed:
            raise NotifierError(
                "Apprise does not know the URL, or not its form.",
                fix="Compare it with https://appriseit.com/services/.",
            )
        scheme = parsed["schema"]
        refuse_scheme(scheme, allow_local=allow_local)
        if scheme in ("mqtt", "mqtts") and parsed.get("qos", "0") == "0":
            raise OutboundRefused(
                "With a quality of service of 0, MQTT confirms nothing.",
                fix="Add ?qos=1 to the URL.",
            )
        kind = self._apprise.NotificationManager()[scheme]
        if kind.category != "native" and not allow_local:
            raise OutboundRefused(
                f"{scheme}:// is a function of this program.", fix="Set allow_local to allow it."
            )
        if not kind.enabled:
            raise NotifierError(f"{kind.service_name} cannot be used here.", fix=_needs(kind))
        mask_private(kind, parsed)
        try:
            plugin = kind(**parsed, asset=self._asset())
        except Exception:  # noqa: BLE001  # foreign code; it quotes what it does not accept
            raise NotifierError(
                f"{kind.service_name} does not accept the URL.", fix=f"See {kind.setup_url}."
            ) from None
        mask_shown_as_private(plugin)
        return plugin

    def _asset(self) -> Any:
        # Nothing is kept on disk, no code is looked for, no key is made, no redirect is followed.
        return self._apprise.AppriseAsset(
            storage_mode="memory",
            app_id="Brickwork",
            async_mode=False,
            secure_logging=True,
            http_redirects=False,
            pgp_autogen=False,
            pem_autogen=False,
            interpret_escapes=False,
            interpret_emojis=False,
        )

    def limits(self, overflow: Overflow) -> Limits:
        """Return what Apprise knows of what the service takes, less what is added to each message.

        That is the severity before the title, and a line of tags.
        """
        plugin = self._plugin
        separate = plugin.title_maxlen > 0 and not plugin.overflow_amalgamate_title
        title = plugin.title_maxlen - (len(_MARK) if self._marks_titles else 0)
        body = max(1, plugin.body_maxlen - self._room_for_tags - 1)
        return Limits(
            title=title if plugin.title_maxlen > 0 else None,
            body=body if separate else None,
            total=None if separate else max(1, body - len(_MARK) - 2),  # and a line end
            fields=0,
            links=0,
            link=lambda _words, _url: False,
            measure=self._measure(),
            attachments=_MAX_FILES if plugin.attachment_support else 0,
            overflow=overflow,
        )

    @property
    def _marks_titles(self) -> bool:
        return not 0 < self._plugin.title_maxlen < _SHORT_TITLE

    @property
    def _room_for_tags(self) -> int:
        return int(min(_MAX_TAGS, self._plugin.body_maxlen // 10))

    def _texts(self, notification: Notification) -> tuple[str, str]:
        """Return the title and the body as they are sent; Apprise needs a body."""
        title, body = notification.title, notification.body
        if self._marks_titles and notification.severity.reaches(Severity.WARNING):
            title = f"[{notification.severity.upper()}] {title}"
        if notification.tags:
            tags = "Tags: " + ", ".join(sorted(notification.tags))
            tags = Limits(measure=self._measure()).cut(tags, self._room_for_tags)
            body = f"{body}\n{tags}" if body else tags
        return (title, body) if body else ("", title)

    def _measure(self) -> Callable[[str], int] | None:
        """Return what counts how long a text is in the service's format, if that is not text."""
        target = self._plugin.resolve_format("text").value
        if target == "text":
            return None
        convert = import_module("apprise.conversion").convert_between
        return lambda text: max(len(text), len(convert("text", target, text)))

    def send(self, notification: Notification, seconds: float) -> Attempt:
        """Send one message; what Apprise does not end in time is given up."""
        plugin, heard = self._plugin, Heard(self._url)
        plugin.logger = heard
        plugin.retry = 0  # we do that
        plugin.overflow_mode = self._apprise.OverflowMode.SPLIT  # loses nothing, if we miscounted
        plugin.socket_connect_timeout = plugin.socket_read_timeout = seconds * 0.9
        plugin.throttle = _throttle_until(plugin.throttle, time.monotonic() + seconds)
        title, body = self._texts(notification)
        answer = _within(
            seconds,
            lambda: plugin.notify(
                body=body,
                title=title,
                notify_type=_TYPES[notification.severity],
                body_format="text",
                attach=self._files(notification),
            ),
        )
        if answer is None:
            detail = f"{self.name} did not end within {seconds:.1f} s, and may have taken it"
            return Attempt(DeliveryStatus.FAILED, detail)
        return _judged(self.name, answer, heard, alone=len(plugin) <= 1)

    def _files(self, notification: Notification) -> Any:
        if not notification.attachments:
            return None
        import mimetypes

        memory = import_module("apprise.attachment.memory").AttachMemory
        files = self._apprise.AppriseAttachment(asset=self._plugin.asset)
        for each in notification.attachments:
            kind = each.media_type.partition(";")[0].strip().lower()
            if kind not in mimetypes.types_map.values():  # Apprise refuses any other
                kind = "application/octet-stream"
            files.add(memory(content=each.content, name=each.name, mimetype=kind))
        return files


class _Answer(NamedTuple):
    taken: bool
    error: Exception | None


def _judged(name: str, answer: _Answer, heard: "Heard", *, alone: bool) -> Attempt:
    """Read what Apprise logged of a message."""
    if answer.error is not None:
        detail = f"{type(answer.error).__name__} in Apprise's {name}"
        return Attempt(DeliveryStatus.FAILED, detail)
    if answer.taken:
        return Attempt(DeliveryStatus.DELIVERED)
    found = _STATUS.findall(heard.text(logging.WARNING))
    status = int(found[-1]) if found else None
    # Nobody got it: not one of several recipients, and no part of it.
    nobody = alone and not heard.sent
    not_taken = status in _NOT_TAKEN or (
        status is None and bool(_NOT_CONNECTED.search(heard.text(logging.DEBUG)))
    )
    refused = status is not None and status < 500 and status not in _NOT_TAKEN and status != 408
    detail = heard.text(logging.WARNING) or f"{name} did not take it; Apprise does not say why"
    if heard.sent or not alone:
        detail = f"not all of it was taken: {detail}"
    return Attempt(
        DeliveryStatus.REFUSED if refused and nobody else DeliveryStatus.FAILED,
        detail,
        http_status=status,
        again=not_taken and nobody,
    )


def _needs(kind: Any) -> str:
    """Say what a service lacks on this machine."""
    packages = kind.requirements.get("packages_required") or ()
    wanted = [packages] if isinstance(packages, str) else list(packages)
    if wanted:
        return "pip install " + " ".join(f"'{each.replace(' ', '')}'" for each in wanted)
    return f"See {kind.setup_url} for what it needs."


def _throttle_until(throttle: Callable[..., None], ends: float) -> Callable[..., None]:
    """Let a service wait between requests as it does, but begin none when its time is up."""

    def throttled(*args: Any, **kwargs: Any) -> None:
        throttle(*args, **kwargs)
        if time.monotonic() >= ends:
            raise TimeoutError

    return throttled


def _within(seconds: float, call: Callable[[], object]) -> _Answer | None:
    """Call in a thread of its own, which is left alone when the time is up; None then."""
    from queue import Empty, SimpleQueue
    from threading import Thread

    answers: SimpleQueue[_Answer] = SimpleQueue()

    def run() -> None:
        try:
            answers.put(_Answer(call() is True, None))
        except Exception as error:  # noqa: BLE001  # foreign code
            answers.put(_Answer(taken=False, error=error))

    thread = Thread(target=copy_context().run, args=(run,), name="brickwork-apprise", daemon=True)
    thread.start()
    try:
        return answers.get(timeout=seconds)
    except Empty:
        return None
