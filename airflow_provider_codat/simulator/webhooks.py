"""What Codat sends by itself: signed, at least once, and again until it is taken.

Source: Codat's guides to webhooks; the signature is that of Standard Webhooks.
"""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_codat.simulator.books.books import Books
from airflow_provider_codat.simulator.books.cache import DataCache
from airflow_provider_codat.simulator.books.operations import PushOperation
from airflow_provider_codat.simulator.books.pull_operations import PullOperation
from airflow_provider_codat.simulator.clock import MovableClock, utc_text
from airflow_provider_codat.simulator.misfortunes import Misfortunes
from airflow_provider_codat.simulator.world import COMPANIES

RETRY_SECONDS = (0, 5, 300, 1800, 7200, 18000, 36000, 36000)
"""How long Codat waits before each sending of a message that was not taken."""

_WRITES = {
    "Created": "Create",
    "Modified": "Update",
    "Deleted": "Delete",
    "AttachmentUploaded": "UploadAttachment",
}
_OLD_SECONDS = 3600.0


@dataclass(slots=True, eq=False)
class Message:
    """One event on its way.

    :param due_at: when it is sent next, on the movable clock; None: no more.
    :param statuses: of HTTP, one for each sending; None where nobody answered.
    """

    id: str
    event_type: str
    body: bytes
    due_at: float | None
    statuses: list[int | None] = field(default_factory=list)
    copies: int = 1

    def view(self) -> dict[str, object]:
        """Return it as plain data."""
        return {
            "id": self.id,
            "event_type": self.event_type,
            "event": json.loads(self.body),
            "statuses": list(self.statuses),
            "is_over": self.due_at is None,
        }


class Outbox:
    """Makes messages of what happens, and knows when each is to be sent.

    :param secret: ``whsec_`` and the key, in base64.
    """

    def __init__(
        self,
        books: Books,
        cache: DataCache,
        clock: MovableClock,
        misfortunes: Misfortunes,
        secret: str,
    ) -> None:
        self._books = books
        self._cache = cache
        self._clock = clock
        self._misfortunes = misfortunes
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._seen = 0
        self._pushes: list[PushOperation] = []
        self._told_pulls: set[str] = set()
        self.messages: list[Message] = []
        self._waiting: list[Message] = []

    def send(self, event_type: str, payload: Mapping[str, object]) -> Message:
        """Put a message on its way."""
        now = self._clock.now()
        event = {
            "id": str(uuid.uuid4()),
            "eventType": event_type,
            "generatedDate": utc_text(now),
            "payload": payload,
        }
        body = json.dumps(event, separators=(",", ":")).encode()
        message = Message(f"msg_{uuid.uuid4().hex}", event_type, body, now)
        late = self._misfortunes.strike_webhook("webhook_late")
        if late is not None:
            message.due_at = now + late.pause(60.0)
        if self._misfortunes.strike_webhook("webhook_twice") is not None:
            message.copies = 2
        self.messages.append(message)
        self._waiting.append(message)
        return message

    def due(self) -> list[Message]:
        """Return what is to be sent now; it waits no more until it is answered."""
        self._look()
        now = self._clock.now()
        waiting, self._waiting = self._waiting, []
        found: list[Message] = []
        for message in waiting:
            is_due = message.due_at is not None and message.due_at <= now
            (found if is_due else self._waiting).append(message)
        return found

    def request(self, message: Message) -> tuple[dict[str, str], bytes]:
        """Return headers and body of one sending.

        It is signed by this machine's clock: whoever receives it has no other.
        """
        at, body = time.time(), message.body
        if self._misfortunes.strike_webhook("webhook_old_timestamp") is not None:
            at -= _OLD_SECONDS
        signed = f"{message.id}.{int(at)}.".encode() + body
        digest = hmac.new(self._key, signed, hashlib.sha256).digest()
        if self._misfortunes.strike_webhook("webhook_wrong_signature") is not None:
            digest = digest[::-1]
        if self._misfortunes.strike_webhook("webhook_cut_body") is not None:
            body = body[: len(body) // 2]
        return {
            "Content-Type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(at)),
            "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        }, body

    def answered(self, message: Message, status: int | None) -> None:
        """Note what came of one sending; what was not taken is sent again."""
        message.statuses.append(status)
        taken = status is not None and 200 <= status < 300  # noqa: PLR2004 - HTTP's own numbers
        if taken:
            message.copies -= 1
        if taken and not message.copies:
            message.due_at = None
        elif taken:
            message.due_at = self._clock.now()
            self._waiting.append(message)
        elif (tries := len(message.statuses)) < len(RETRY_SECONDS):
            message.due_at = self._clock.now() + RETRY_SECONDS[tries]
            self._waiting.append(message)
        else:
            message.due_at = None

    def _look(self) -> None:
        """Make messages of what has ended by now."""
        now = self._clock.now()
        self._pushes += self._books.accepted_since(self._seen)
        self._seen = self._books.accepted
        ended = [each for each in self._pushes if each.is_final(now)]
        if ended:
            self._pushes = [each for each in self._pushes if not each.is_final(now)]
        for push in ended:
            self.send(*_of_push(push, now))
        for company_id in COMPANIES:
            for pull in self._cache.history(company_id):
                if pull.id not in self._told_pulls and pull.is_over(now):
                    self._told_pulls.add(pull.id)
                    changed = self._cache.has_changed(pull)
                    self.send(*_of_pull(pull, now, changed=changed))


def _of_push(push: PushOperation, now: float) -> tuple[str, dict[str, object]]:
    view = push.view(now)
    successful = view["status"] == "Success"
    verdict = "successful" if successful else "unsuccessful"
    return f"{push.data_type}.write.{verdict}", {
        "id": push.key,
        "type": _WRITES[push.change],
        "referenceCompany": _company(push.company_id),
        "connectionId": push.connection_id,
        "requestedOnDate": view["requestedOnUtc"],
        "completedOnDate": view["completedOnUtc"],
        "status": view["status"],
        "record": {"id": push.record_id} if successful else None,
        "attachmentId": push.attachment_id,
    }


def _of_pull(
    pull: PullOperation, now: float, *, changed: bool
) -> tuple[str, dict[str, object]]:
    read = {
        "connectionId": pull.connection_ids[0],
        "dataType": pull.data_type,
        "recordsModified": changed,
        "status": pull.status(now),
        "issues": None,
    }
    return "read.completed", {
        "referenceCompany": _company(pull.company_id),
        "modifiedFromDate": utc_text(pull.requested_at),
        "dataTypes": [read],
    }


def _company(company_id: str) -> dict[str, object]:
    return {
        "id": company_id,
        "name": COMPANIES[company_id].name,
        "description": None,
        "links": {"portal": f"https://portal.invalid/companies/{company_id}"},
        "tags": {},
    }
