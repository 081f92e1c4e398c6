"""What all operators that talk to Codat have in common."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_codat.failures import (
    HAS_RETRY_POLICIES,
    CodatRetryPolicy,
    failing_at_once,
)
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.tasks.identity import from_xcom

if TYPE_CHECKING:
    import jinja2
    from airflow.providers.common.compat.sdk import Context, RetryPolicy

T = TypeVar("T")


class AskingOperator(BaseOperator):
    """Talks to Codat through a hook of its own, and stops when it is told to."""

    # Empty: any text in a payload that ends in ".json" would be taken for a file.
    template_ext: Sequence[str] = ()
    ui_color = "#e6f2ef"

    _under_way = ""
    _told_to_stop = False

    def __init__(
        self,
        *,
        codat_conn_id: str = CodatHook.default_conn_name,
        hook_params: Mapping[str, Any] | None = None,
        retry_policy: "RetryPolicy | None" = None,
        **kwargs: Any,  # noqa: ANN401 - Airflow's own parameters
    ) -> None:
        if HAS_RETRY_POLICIES:
            kwargs["retry_policy"] = retry_policy or CodatRetryPolicy()
        super().__init__(**kwargs)
        self.codat_conn_id = codat_conn_id
        self.hook_params = hook_params

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
