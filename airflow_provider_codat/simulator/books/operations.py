"""Push operations: everything about one is decided when it is accepted.

Status, record and times are functions of the clock, so nothing runs in the background
and a moved clock settles all that is due.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_codat.simulator.clock import utc_text
from airflow_provider_codat.simulator.replies import Issue, json_text

_STATUS_CODES = {"Success": 200, "Failed": 400, "TimedOut": 408}
_PENDING_CODE = 202


@dataclass(frozen=True, slots=True)
class Outcome:
    """What will become of a push operation.

    :param status: its last status; None: it never settles.
    :param waits_seconds: how much longer than usual it takes.
    :param lands_seconds: seconds from settling until the record stands in the books;
        None: there will be no record.
    :param shows_record: whether the settled operation names the record.
    :param error_message: the settled operation's ``errorMessage``.
    :param errors: its ``validation.errors``; None, with no warnings: no ``validation``.
    :param warnings: its ``validation.warnings``.
    :param waiting_word: the status it shows until it settles.
    """

    status: str | None = "Success"
    waits_seconds: float = 0.0
    lands_seconds: float | None = 0.0
    shows_record: bool = True
    error_message: str | None = None
    errors: tuple[Issue, ...] | None = ()
    warnings: tuple[Issue, ...] = ()
    waiting_word: str = "Pending"


@dataclass(slots=True)
class PushOperation:
    """One accepted write.

    :param settle_at: when the accounting software has answered; None: never.
    :param timeout_minutes: when Codat gives up waiting; the write itself goes on.
    :param stranger: whether another client of the API pushed it.
    :param early_change: already say what it does, without id, while pending.
    :param body_text: the record as JSON, a quarter of the size of its dict.
    :param data_type: Codat's key.
    :param change: Codat's word for what it does to a record.
    :param attachment_id: of the file that it attaches; None: it attaches none.
    """

    key: str
    company_id: str
    connection_id: str
    requested_at: float
    settle_at: float | None
    timeout_minutes: int | None
    outcome: Outcome
    record_id: str
    data_type: str
    change: str
    body_text: str
    idempotency_key: str | None
    stranger: bool
    early_change: bool
    attachment_id: str | None = None
    _text: bytes = field(default=b"", init=False)
    _text_is_final: bool = field(default=False, init=False)

    @property
    def body(self) -> dict[str, object]:
        """The record."""
        return dict(json.loads(self.body_text))

    @property
    def creates(self) -> bool:
        """Whether it makes a record."""
        return self.change == "Created"

    @property
    def _gives_up_at(self) -> float | None:
        """The deadline, where it comes before the answer."""
        if self.timeout_minutes is None:
            return None
        deadline = self.requested_at + 60 * self.timeout_minutes
        late = self.settle_at is None or deadline < self.settle_at
        return deadline if late else None

    @property
    def final_at(self) -> float | None:
        """When the last status is reached; None: never."""
        gives_up = self._gives_up_at
        return self.settle_at if gives_up is None else gives_up

    @property
    def lands_at(self) -> float | None:
        """When the record stands in the books; None: never."""
        if self.settle_at is None or self.outcome.lands_seconds is None:
            return None
        return self.settle_at + self.outcome.lands_seconds

    def is_final(self, now: float) -> bool:
        """Tell whether the last status has been reached."""
        return self.final_at is not None and now >= self.final_at

    def view(self, now: float) -> Mapping[str, object]:
        """Return it as Codat shows it at a time."""
        return self._show_final() if self.is_final(now) else self._show_waiting()

    def text(self, now: float) -> bytes:
        """Return :meth:`view` as JSON; made once per state."""
        # The last status is the last: then the time need not be looked at.
        if not self._text_is_final:
            is_final = self.is_final(now)
            if is_final or not self._text:
                self._text = json_text(self.view(now)).encode()
                self._text_is_final = is_final
        return self._text

    def _show(self, status: str, code: int) -> dict[str, object]:
        return {
            "changes": None,
            "dataType": self.data_type,
            "companyId": self.company_id,
            "pushOperationKey": self.key,
            "dataConnectionKey": self.connection_id,
            "requestedOnUtc": utc_text(self.requested_at),
            "timeoutInMinutes": self.timeout_minutes,
            "status": status,
            "errorMessage": None,
            "statusCode": code,
        }

    def _show_waiting(self) -> dict[str, object]:
        shown = self._show(self.outcome.waiting_word, _PENDING_CODE)
        if self.early_change:
            shown["changes"] = [self._change(None)]
        return shown

    def _show_final(self) -> dict[str, object]:
        assert self.final_at is not None
        if self._gives_up_at is not None:
            status = "TimedOut"
        else:
            assert self.outcome.status is not None
            status = self.outcome.status
        shown = self._show(status, _STATUS_CODES[status])
        shown["completedOnUtc"] = utc_text(self.final_at)
        if status != "TimedOut":
            self._add_result(shown)
        return shown

    def _add_result(self, shown: dict[str, object]) -> None:
        outcome = self.outcome
        shown["errorMessage"] = outcome.error_message
        if outcome.shows_record:
            shown["changes"] = [self._change(self.record_id)]
        if outcome.errors is not None or outcome.warnings:
            shown["validation"] = {
                "errors": list(outcome.errors or ()),
                "warnings": list(outcome.warnings),
            }

    def _change(self, record_id: str | None) -> dict[str, object]:
        reference = {"dataType": self.data_type}
        if record_id is not None:
            reference = {"id": record_id, **reference}
        return {
            "type": self.change,
            "recordRef": reference,
            "attachmentId": self.attachment_id,
        }
