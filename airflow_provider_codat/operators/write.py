"""What all operators that write into a company's books have in common."""

from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from airflow_provider_codat.api.create.intent import OnUnknownOutcome
from airflow_provider_codat.api.create.next_step import OnClear
from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.errors import CodatError
from airflow_provider_codat.api.payload.check import Validate
from airflow_provider_codat.api.payload.contract import UnknownProperties
from airflow_provider_codat.links.codat import CodatPushOperationLink
from airflow_provider_codat.operators.codat_operator import AskingOperator
from airflow_provider_codat.tasks.arguments import seconds
from airflow_provider_codat.tasks.waiting import check_not_late
from airflow_provider_codat.triggers.codat import PAUSE_IS_OVER

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

T = TypeVar("T")

LINK = CodatPushOperationLink()


class WriteOperator(AskingOperator, Generic[T]):
    """Writes into a company's books; what it writes, its heirs know.

    The arguments are those of
    :class:`airflow_provider_codat.operators.codat.CreateAccountingCustomerOperator`.
    """

    data_type: ClassVar[DataType]

    operator_extra_links = (LINK,)

    company_id: str
    connection_id: str | None
    item_key: str | None
    timeout_in_minutes: int | str | None
    validate: Validate
    strict: bool
    model: Mapping[str, Any] | str | None
    unknown_properties: UnknownProperties
    read_only_fields: Collection[str]
    wait_for_completion: bool
    poll_interval_seconds: float
    completion_timeout_seconds: float | str
    fail_on_warning: bool
    deferrable: bool
    durable: bool
    on_unknown_outcome: OnUnknownOutcome
    reconcile_grace_seconds: float
    on_clear: OnClear

    @abstractmethod
    def _create(self, context: "Context") -> T:
        """Do what the task is for, from wherever earlier tries left it."""

    def execute(self, context: "Context") -> T:
        """Check, write down, send, wait, and return what came of it."""
        return self._guarded(self._create, context)

    def execute_again(self, context: "Context", event: object = None) -> T:
        """Go on after a pause, from what was written down."""
        return self._guarded(self._again, context, event)

    def _again(self, context: "Context", event: object) -> T:
        if event != PAUSE_IS_OVER:
            raise CodatError("the trigger's event could not be read")
        check_not_late(self, context)
        return self._create(context)

    def limits(self) -> tuple[float, float]:
        """Return how long to wait for the push operation, and between two looks."""
        patience = seconds(
            self.completion_timeout_seconds, "completion_timeout_seconds"
        )
        interval = seconds(self.poll_interval_seconds, "poll_interval_seconds")
        return patience, interval

    def _push_link(
        self, company_id: str, connection_id: str, key: str, context: "Context"
    ) -> None:
        """Make the link to the Portal work.

        :param key: of the push operation.
        """
        url = self.hook.settings.portal_url(
            company_id=company_id, connection_id=connection_id, push_operation_key=key
        )
        context["ti"].xcom_push(key=LINK.xcom_key, value=url)
