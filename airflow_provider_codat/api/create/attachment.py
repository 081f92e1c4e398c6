"""A file that is attached to a record: once, as a record is created once.

Codat describes no answer to an upload: where it is a push operation, that is waited
for; any other 2xx that is no web page says that the file was taken. What becomes of a
file whose answer was lost can be seen nowhere: the same key tells for 75 minutes, and
then nobody.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from airflow_provider_codat.api.create.intent import Write
from airflow_provider_codat.api.errors import Malformed
from airflow_provider_codat.api.http.request import FileBody, Request, Response, attach
from airflow_provider_codat.api.http.response import object_of, push_operation
from airflow_provider_codat.api.models import PushOperation


@dataclass(frozen=True, kw_only=True)
class Attachment(Write):
    """A file that is wanted beside a record.

    :param payload: what tells the file from another: its name, size and digest.
    :param record_id: as the accounting software spells it.
    :param file: gives its body, by the key that it is sent under.
    """

    record_id: str
    file: Callable[[str], FileBody]

    @property
    def thing(self) -> str:
        """What is written, for messages."""
        return "a file"

    def request(self, key: str) -> Request:
        """Return the request that attaches it."""
        return replace(self._keyless, body=self.file(key), idempotency_key=key)

    @cached_property
    def _keyless(self) -> Request:
        return attach(
            self.destination,
            self.data_type,
            self.record_id,
            None,
            idempotency_key="",
        )

    @property
    def read(self) -> Callable[[Response, float], PushOperation]:
        """Reads the answer, which may be anything."""
        return self._read

    def _read(self, response: Response, _first_sent_at: float) -> PushOperation:
        """Return the push operation of an answer, or one that stands for it."""
        place = self.destination
        try:
            found = push_operation(object_of(response))
        except Malformed:
            if response.body.lstrip().startswith(b"<"):
                raise  # a web page: of a proxy, and not of Codat
            return PushOperation(
                key="",
                company_id=place.company_id,
                connection_id=place.connection_id,
                data_type=self.data_type.name,
                status="Success",
                requested_at="",
                completed_at=None,
                record_id=self.record_id,
                error_message="",
                errors=(),
                warnings=(),
                raw={},
            )
        if (found.company_id, found.connection_id) != (
            place.company_id,
            place.connection_id,
        ):
            raise Malformed("the answer describes another push operation than ours")
        return found
