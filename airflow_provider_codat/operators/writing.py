"""What all operators that write into a company's books have in common."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_codat.api.errors import CodatError
from airflow_provider_codat.api.models import DataType
from airflow_provider_codat.api.order import OnUnknownOutcome
from airflow_provider_codat.api.resume import OnClear
from airflow_provider_codat.api.schema import UnknownProperties
from airflow_provider_codat.failures import failing_at_once
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.links.codat import CodatPushOperationLink
from airflow_provider_codat.operators.arguments import seconds
from airflow_provider_codat.operators.tries import from_xcom
from airflow_provider_codat.operators.waiting import check_not_late
from airflow_provider_codat.triggers.codat import PAUSE_IS_OVER

if TYPE_CHECKING:
    import jinja2
    from airflow.providers.common.compat.sdk import Context

T = TypeVar("T")

LINK = CodatPushOperationLink()


class WriteOperator(BaseOperator, Generic[T]):
    """Writes into a company's books; what it writes, its heirs know.

    The arguments are those of
    :class:`airflow_provider_codat.operators.codat.CreateAccountingCustomerOperator`.
    """

    data_type: ClassVar[DataType]

    operator_extra_links = (LINK,)
    # Empty: any text in a payload that ends in ".json" would be taken for a file.
    template_ext: Sequence[str] = ()
    ui_color = "#e6f2ef"

    company_id: str
    connection_id: str
    codat_conn_id: str
    item_key: str | None
    timeout_in_minutes: int | str | None
    validate: Literal["schema", "off"]
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
    hook_params: Mapping[str, Any] | None

    _under_way = ""
    _told_to_stop = False

    @abstractmethod
    def _create(self, context: "Context") -> T:
        """Do what the task is for, from wherever earlier tries left it."""

    def _hook_params(self) -> Mapping[str, Any] | None:
        """Return the extras of the connection that this task overrides."""
        return self.hook_params

    @cached_property
    def hook(self) -> CodatHook:
        """The hook that talks to Codat."""
        hook = CodatHook(self.codat_conn_id, hook_params=self._hook_params())
        if self._told_to_stop:
            hook.stop()
        return hook

    def _do_render_template_fields(
        self,
        parent: Any,  # noqa: ANN401 - Airflow's signature
        template_fields: Iterable[str],
        context: "Context",
        jinja_env: "jinja2.Environment",
        seen_oids: set[int],
    ) -> None:
        """Render what the author wrote, and nothing that came from an XCom.

        Airflow renders what ``expand_kwargs`` gets from an XCom a second time: a
        customer called ``{{ ... }}`` would be run as a template on the worker.
        """
        fields = list(template_fields)
        seen_oids.update(id(value) for value in from_xcom(self, fields, context))
        super()._do_render_template_fields(
            parent, fields, context, jinja_env, seen_oids
        )

    def execute(self, context: "Context") -> T:
        """Check, write down, send, wait, and return what came of it."""
        return self._guarded(self._create, context)

    def execute_again(self, context: "Context", event: object = None) -> T:
        """Go on after a pause, from what was written down."""
        return self._guarded(self._again, context, event)

    def on_kill(self) -> None:
        """Send nothing more, and say what goes on at Codat: nothing can cancel it.

        Airflow calls it in a signal handler: no request, no call of Airflow's.
        """
        self._told_to_stop = True
        if "hook" in self.__dict__:
            self.hook.stop()
        if self._under_way:
            self.log.warning("Killed while %s; it may go on at Codat", self._under_way)

    def _guarded(self, work: Callable[..., T], *given: object) -> T:
        with failing_at_once():
            try:
                return work(*given)
            finally:
                self.hook.close()

    def _again(self, context: "Context", event: object) -> T:
        if event != PAUSE_IS_OVER:
            raise CodatError("the trigger's event could not be read")
        check_not_late(self, context)
        return self._create(context)

    def _limits(self) -> tuple[float, float]:
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
