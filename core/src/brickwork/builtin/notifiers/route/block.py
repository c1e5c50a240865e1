"""``notify-route``: one name for who is told what, how often, and who stands in."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from brickwork.block import Block, CheckReport, Finding
from brickwork.builtin.notifiers.parallel import at_once
from brickwork.builtin.notifiers.route.chains import (
    Chain,
    Outcome,
    chains_for,
    not_sent,
    rehearsed,
    run,
)
from brickwork.builtin.notifiers.route.memory import Mark, Memory, Rules
from brickwork.builtin.notifiers.route.target import RouteTarget
from brickwork.builtin.notifiers.route.turns import Turns
from brickwork.errors import BrickworkError
from brickwork.ledger import ledger_of
from brickwork.notifier import (
    DeliveryStatus,
    Limits,
    MessageTemplate,
    Notification,
    Notifier,
    Receipt,
    Severity,
)

MAX_ATTACHMENTS = 1000

_turns = Turns()


class NotifyRoute(Block, Notifier):
    """Sends notifications on to targets, each with its own floor, and says nothing twice.

    Every target gets what its severity and its tags let through; a backup only what the target
    before it failed to deliver. An incident (``dedupe_key``) that was told lately, and more than
    the throttle lets through, is held back and counted, and the next notification says how many
    there were. Notifications with the same ``thread_key`` reach each target in the order in which
    they were sent in this process. A receipt is ``delivered`` if each target, or a backup of it,
    delivered; ``receipt.parts`` has what became of it at each.

    What a saved route remembers is kept in its vault: all processes that load it hold back
    together, also after a restart. What a route that is not saved remembers ends with the process.

    Examples:
        >>> from brickwork import Console, NotifyRoute, notify
        >>> NotifyRoute(
        ...     targets=[
        ...         {"to": Console(stream="stdout")},
        ...         {"to": "pagerduty/on-call", "at_least": "critical"},
        ...     ],
        ...     dedupe_seconds=600,
        ... ).save("ops")
        Document('notify-route/ops@1')
        >>> disk = {"title": "Disk at 91 %", "severity": "warning", "dedupe_key": "db1-disk"}
        >>> (receipt,) = notify("notify-route/ops", **disk)
        [WARNING] Disk at 91 %
        >>> (receipt,) = notify("notify-route/ops", **disk)
        >>> receipt.status.value
        'held'
    """

    slug: ClassVar[str] = "notify-route"

    targets: list[RouteTarget] = Field(min_length=1, description="Where to send, in order.")
    dedupe_seconds: float = Field(
        default=300.0,
        ge=0,
        le=7 * 24 * 3600,
        description="For how long the same incident is not told again; 0 to tell it each time.",
    )
    dedupe_by: Literal["key", "title"] = Field(
        default="key",
        description="What makes two notifications the same incident: the dedupe key alone, or "
        "the title where there is no key.",
    )
    max_notifications: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="How many notifications are sent in throttle_seconds; any number if not set.",
    )
    throttle_seconds: float = Field(
        default=60.0, gt=0, le=24 * 3600, description="The time that max_notifications is for."
    )
    always: Severity = Field(
        default=Severity.CRITICAL,
        description="From this severity on the throttle holds nothing back.",
    )
    rest_seconds: float = Field(
        default=60.0,
        ge=0,
        le=24 * 3600,
        description="For how long a target that failed is left out if it has a backup, and tried "
        "only once if it has none.",
    )
    template: MessageTemplate | None = Field(
        default=None, description="How notifications are worded, for every target without its own."
    )

    @model_validator(mode="after")
    def _check_targets(self) -> Self:
        if self.targets[0].backup:
            raise ValueError("the first target cannot be a backup: there is none before it")
        return self

    def describe(self) -> str:
        """Return the address; for one that is not saved, the slug."""
        if self.address is None:
            return self.slug
        return f"{self.address.slug}/{self.address.name}"

    def limits(self) -> Limits:
        """Take everything: each target has limits of its own."""
        return Limits(attachments=MAX_ATTACHMENTS)

    def deliver(self, notification: Notification) -> Receipt:
        """Send to every target that takes the notification, unless it is to be held back."""
        chains = chains_for(self.targets, notification)
        if not chains:
            return self._skipped(notification)
        memory = self._memory()
        decision = memory.decide(notification, self._incident(notification))
        if decision.held:
            return Receipt(self.describe(), DeliveryStatus.HELD, attempts=0, detail=decision.held)
        body = "\n".join(filter(None, [notification.body, *decision.counts]))
        outcomes = self._run(chains, replace(notification, body=body), memory, decision.mark)
        return self._receipt(outcomes, decision.problem)

    def rehearse(self, messages: Sequence[Notification]) -> Receipt:
        """Say which targets would be sent what; nothing is sent, counted or remembered."""
        (notification,) = messages
        chains = chains_for(self.targets, notification)
        if not chains:
            return self._skipped(notification)
        parts = tuple(rehearsed(chain, notification, self.template) for chain in chains)
        failed = [part for part in parts if part.failed]
        detail = f"would be sent to {_counted(len(parts) - len(failed), 'target')}"
        detail = "; ".join([detail, *(f"{part.target}: {part.detail}" for part in failed)])
        status = DeliveryStatus.REFUSED if len(failed) == len(parts) else DeliveryStatus.DRY_RUN
        return Receipt(self.describe(), status, attempts=0, detail=detail, parts=parts)

    def flush(self) -> list[Receipt]:
        """Tell of everything that is held back, and return one receipt per notification sent.

        Without it, the next notification tells. Call it where a count should not wait for that: at
        the end of a job, or from time to time.

        Raises:
            StoreError: What the route remembers cannot be read.
        """
        memory = self._memory()
        receipts: list[Receipt] = []
        for held in memory.take_held():
            chains = chains_for(self.targets, held.notification)
            if not chains:
                continue
            receipts.append(self._receipt(self._run(chains, held.notification, memory)))
            if receipts[-1].failed and not any(part.delivered for part in receipts[-1].parts):
                memory.put_back(held)
        return receipts

    def check(self) -> CheckReport:
        """Check every target, at the same time."""
        reports = at_once(_checked, self.targets, "brickwork-check")
        findings = [finding for report in reports for finding in report]
        return CheckReport((*findings, *self._template_findings()))

    # Sending

    def _run(
        self,
        chains: list[Chain],
        notification: Notification,
        memory: Memory,
        mark: Mark | None = None,
    ) -> list[Outcome]:
        """Send along all chains at once, and remember what became of it."""
        down = memory.down(self.rest_seconds)
        key = notification.thread_key
        place = self.describe() if self.address else id(self)
        queues = {} if key is None else {each.place: (place, each.place, key) for each in chains}
        turn = _turns.take(queues.values())

        def one(chain: Chain) -> Outcome:
            queue = queues.get(chain.place)
            if queue is None:
                return run(chain, notification, self.template, down, self.rest_seconds)
            if not turn.wait(queue):
                return not_sent(chain)
            try:
                return run(chain, notification, self.template, down, self.rest_seconds)
            finally:
                turn.leave(queue)

        try:
            outcomes = at_once(one, chains, "brickwork-route")
        finally:
            turn.leave_all()
        memory.settle(
            mark,
            delivered=any(outcome.last.delivered for outcome in outcomes),
            failed=[name for outcome in outcomes for name in outcome.down if self.rest_seconds],
            up=[name for outcome in outcomes for name in outcome.up],
            rest_seconds=self.rest_seconds,
        )
        return outcomes

    def _receipt(self, outcomes: list[Outcome], problem: str = "") -> Receipt:
        failed = [outcome.last for outcome in outcomes if outcome.last.failed]
        status = DeliveryStatus.DELIVERED
        if failed:
            refused = all(each.status is DeliveryStatus.REFUSED for each in failed)
            status = DeliveryStatus.REFUSED if refused else DeliveryStatus.FAILED
        elif not any(outcome.last.delivered for outcome in outcomes):
            status = outcomes[0].last.status  # routes within this one that held or skipped it
        parts = tuple(receipt for outcome in outcomes for receipt in outcome.receipts)
        told = [
            f"{receipt.target} took over from {outcome.receipts[0].target}"
            for outcome in outcomes
            for receipt in outcome.receipts[1:]
            if receipt.delivered
        ]
        told += [f"{receipt.target}: {receipt.detail}" for receipt in failed]
        return Receipt(
            self.describe(),
            status,
            attempts=sum(part.attempts for part in parts),
            message_id=next((part.message_id for part in parts if part.delivered), None),
            detail="; ".join(filter(None, [problem, *told])),
            parts=parts,
        )

    def _skipped(self, notification: Notification) -> Receipt:
        tags = ", ".join(sorted(notification.tags))
        detail = f"no target takes {notification.severity.value}" + (
            f" with {tags}" if tags else ""
        )
        return Receipt(self.describe(), DeliveryStatus.SKIPPED, attempts=0, detail=detail)

    # What it remembers

    def _memory(self) -> Memory:
        rules = Rules(
            self.dedupe_seconds, self.max_notifications, self.throttle_seconds, self.always
        )
        return Memory(ledger_of(self), rules)

    def _incident(self, notification: Notification) -> str | None:
        if notification.dedupe_key is not None:
            return f"key:{notification.dedupe_key}"
        return f"title:{notification.title}" if self.dedupe_by == "title" else None

    def _template_findings(self) -> list[Finding]:
        templates = [self.template, *(target.template for target in self.targets)]
        return [
            Finding("failed", "template", problem, "Mend the template.")
            for template in templates
            if template is not None
            for problem in template.problems()
        ]


def _checked(target: RouteTarget) -> list[Finding]:
    try:
        notifier: object = target.opened()
        assert isinstance(notifier, Block)  # noqa: S101  # what a target holds, or loads
        report = notifier.check()
    except BrickworkError as error:
        return [Finding("failed", target.label, error.what, error.fix or "Mend that block.")]
    except Exception as error:  # noqa: BLE001  # foreign code; a check must not raise
        detail = f"its check raised {type(error).__name__}"
        return [Finding("failed", target.label, detail, "Check that block alone to see where.")]
    return [replace(each, what=f"{target.label}: {each.what}") for each in report.findings]


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"
