"""``notify``: one notification to several targets, one receipt each."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from brickwork.builtin.notifiers.parallel import at_once
from brickwork.errors import BrickworkError, NotifierError
from brickwork.masking import masker
from brickwork.notifier import (
    Attachment,
    DeliveryStatus,
    Notification,
    Notifier,
    Receipt,
    Severity,
    explained,
    sent_safely,
    with_problem,
)

if TYPE_CHECKING:
    from brickwork.notifier import MessageTemplate

Target = str | Notifier

_ADDRESS = re.compile(r"[a-z][a-z0-9-]*/[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?:@[0-9]+)?")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):")


def notify(
    targets: Target | Iterable[Target],
    notification: Notification | None = None,
    *,
    title: str | None = None,
    body: str = "",
    severity: Severity | str = Severity.INFO,
    fields: Mapping[str, str] | None = None,
    url: str | None = None,
    thread_key: str | None = None,
    dedupe_key: str | None = None,
    tags: Iterable[str] = (),
    links: Mapping[str, str] | None = None,
    html: str | None = None,
    attachments: Iterable[Attachment] = (),
    template: "MessageTemplate | None" = None,
    dry_run: bool = False,
) -> list[Receipt]:
    """Send a notification to all targets at once; return one receipt per target, in order.

    A target that cannot be opened, refuses or fails has a receipt that says so and stops no other::

        receipts = notify(["webhook/ops", "console:"], title="Load failed", severity="error")
        assert not any(receipt.failed for receipt in receipts)

    Args:
        targets: A target or several: addresses of saved blocks, URLs such as ``console:``, or
            notifiers.
        notification: The notification; or else its parts by name:
        title: One line.
        body: More text.
        severity: ``info``, ``success``, ``warning``, ``error`` or ``critical``.
        fields: Short facts by name.
        url: Where to read more.
        thread_key: What belongs to one thread.
        dedupe_key: What is about one incident.
        tags: What it is about, for routes.
        links: More places to go to, by the words to show.
        html: The body once more, as HTML.
        attachments: Files that go with it.
        template: The words to say it in; where it fails, the notification is sent as it is, and
            the receipts tell.
        dry_run: Open the targets and prepare everything, but send nothing.

    Raises:
        NotifierError: Neither a notification nor a title is given, or both are.
    """
    if (notification is None) == (title is None):
        raise NotifierError(
            "notify needs either a notification or a title.",
            fix='Call notify(targets, Notification(...)) or notify(targets, title="...").',
        )
    message = notification or Notification(
        title or "",
        body,
        Severity.parse(severity),
        fields or {},
        url,
        thread_key,
        dedupe_key,
        tags=frozenset({tags} if isinstance(tags, str) else tags),
        links=links or {},
        html=html,
        attachments=tuple(attachments),
    )
    wanted = [targets] if isinstance(targets, str | Notifier) else list(targets)
    if template is not None:
        return _send_rendered(template, wanted, message, dry_run=dry_run)
    return _send(wanted, message, dry_run=dry_run)


async def anotify(
    targets: Target | Iterable[Target], notification: Notification | None = None, **parts: Any
) -> list[Receipt]:
    """`notify`, in a worker thread; takes the same arguments."""
    import asyncio

    return await asyncio.to_thread(notify, targets, notification, **parts)


def _send(targets: list[Target], message: Notification, *, dry_run: bool) -> list[Receipt]:
    return at_once(
        lambda target: _deliver(target, message, dry_run=dry_run), targets, "brickwork-notify"
    )


def _send_rendered(
    template: "MessageTemplate", targets: list[Target], message: Notification, *, dry_run: bool
) -> list[Receipt]:
    rendered, problem = template.render(message)
    receipts = _send(targets, rendered, dry_run=dry_run)
    return [with_problem(receipt, problem) for receipt in receipts]


def _deliver(target: Target, message: Notification, *, dry_run: bool) -> Receipt:
    """Send to one target; whatever goes wrong becomes its receipt."""
    label = _label(target)
    try:
        notifier = _opened(target)
    except BrickworkError as error:
        return Receipt(label, DeliveryStatus.REFUSED, 0, detail=_without(target, explained(error)))
    except Exception as error:  # noqa: BLE001  # foreign code; the others must still be sent
        return Receipt(
            label, DeliveryStatus.REFUSED, 0, detail=f"{type(error).__name__} while opening it"
        )
    return sent_safely(notifier, message, label, dry_run=dry_run)


def _opened(target: object) -> Notifier:
    if isinstance(target, Notifier):
        return target
    if not isinstance(target, str):
        raise NotifierError(f"A {type(target).__name__} is no target of a notification.")
    from brickwork.opening import open_notifier

    return open_notifier(target)


def _label(target: object) -> str:
    """Name a target that is not open yet: of a URL, which may be a secret, only the scheme."""
    if isinstance(target, Notifier):
        try:
            return target.describe()
        except Exception:  # noqa: BLE001  # foreign code
            return type(target).__name__
    if not isinstance(target, str):
        return type(target).__name__
    if _ADDRESS.fullmatch(target):
        return target
    scheme = _SCHEME.match(target)
    return f"{scheme[1]}:..." if scheme else "..."


def _without(target: Target, text: str) -> str:
    if isinstance(target, str) and not _ADDRESS.fullmatch(target):
        text = text.replace(target, _label(target))
    return masker.mask(text)
