"""Creating one record in a company's books, of whatever data type."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from airflow_provider_codat.api.create.intent import Done, IfExists, Written
from airflow_provider_codat.api.create.next_step import generations
from airflow_provider_codat.api.models import Summary
from airflow_provider_codat.operators.write_record import WriteRecordOperator
from airflow_provider_codat.tasks.arguments import (
    argument,
)
from airflow_provider_codat.tasks.before_create import looked_first
from airflow_provider_codat.tasks.create import checked_payload, write_of
from airflow_provider_codat.tasks.destination import destination_of
from airflow_provider_codat.tasks.identity import item_of
from airflow_provider_codat.tasks.task_journal import (
    Notebook,
    clear_count_of,
    opened,
    reopened,
)
from airflow_provider_codat.tasks.waiting import (
    check_no_secrets,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class CreateRecordOperator(WriteRecordOperator):
    """Creates one record; an operator of each data type says what it is given.

    The arguments are those of :class:`CreateAccountingCustomerOperator`.
    """

    idempotency_key: str | None
    unknown_resolution: str | None
    preflight: bool
    if_exists: IfExists | None
    match_on: Collection[str]

    def _create(self, context: "Context") -> Summary:
        notebook = opened(context, self.item_key, durable=self.durable)
        destination = destination_of(self, context)
        if self.deferrable:
            check_no_secrets(self.hook_params)
        self.limits()
        item = argument(item_of, context["ti"], self.item_key)
        payload = checked_payload(self, destination, context)
        durable = notebook.durable
        write = write_of(self, destination, payload, item, context, durable=durable)
        if not generations(notebook.past.entries):
            unseen = notebook.past.unseen_since is not None
            write = looked_first(self, write, unseen=unseen)
        self._under_way = f"a create (idempotency key {write.key_of(0)}) was under way"
        written = self.hook.submit(
            write,
            notebook.past,
            note=notebook.note,
            on_pause=self._on_deferrable_pause(context, may_defer=write.may_defer),
        )
        self._under_way = ""
        if isinstance(written, Done):
            self._push(written.result, context)
            return self._judged(written.result, context)
        written = self._awaited(written, write.redact, context)
        return self._conclude(written, notebook, write.redact, context)

    def _complete(self, context: "Context", event: object) -> Summary:
        _, operation = self._seen(context, event)
        notebook = reopened(context, self.item_key, operation.key, durable=self.durable)
        written = notebook.written(operation)
        return self._conclude(written, notebook, self._redactor(), context)

    def _conclude(
        self,
        written: Written,
        notebook: Notebook,
        redact: Callable[[str], str],
        context: "Context",
    ) -> Summary:
        """Return the result of a push operation, or raise what its end means."""
        result = self.hook.conclude(
            written,
            note=notebook.note,
            redact=redact,
            clear_count=clear_count_of(context),
        )
        for warning in result["warnings"]:
            self.log.warning("Push operation %s: %s", written.operation.key, warning)
        return self._judged(result, context)

    def _tell(self, result: Summary) -> None:
        key, record_id = result["push_operation_key"], result["record_id"]
        if result["status"] != "Success":
            return
        if record_id is None:
            self.log.warning(
                "Push operation %s succeeded, but Codat does not say which record it "
                "became",
                key,
            )
        elif key:
            self.log.info("Push operation %s succeeded: record %s", key, record_id)
