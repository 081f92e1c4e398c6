"""What all operators that talk to Codat have in common."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_codat.failures import (
    HAS_RETRY_POLICIES,
    CodatRetryPolicy,
    failing_at_once,
)
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.lineage import Lineage, as_openlineage
from airflow_provider_codat.tasks.identity import TaskRun, from_xcom
from airflow_provider_codat.tasks.options import TaskKwargs
from airflow_provider_codat.tasks.waiting import task_params

if TYPE_CHECKING:
    import jinja2
    from airflow.providers.common.compat.sdk import Context, RetryPolicy

    from airflow_provider_codat.journal.cells import Store

T = TypeVar("T")


class CodatOperator(BaseOperator):
    """Talks to Codat through a hook of its own, and stops when it is told to.

    :param codat_conn_id: the Airflow connection. (templated)
    :param hook_params: extras of the connection, overridden for this task.
    :param retry_policy: Airflow's (3.3 and later);
        :class:`airflow_provider_codat.failures.CodatRetryPolicy` by default.
    """

    # Empty: any text in a payload that ends in ".json" would be taken for a file.
    template_ext: Sequence[str] = ()
    ui_color = "#e6f2ef"

    _returned: Any = None
    _under_way = ""
    _told_to_stop = False
    _task_run: TaskRun | None = None
    must_end_at: float | None = None

    def __init__(
        self,
        *,
        codat_conn_id: str = CodatHook.default_conn_name,
        hook_params: Mapping[str, Any] | None = None,
        retry_policy: "RetryPolicy | None" = None,
        **kwargs: Unpack[TaskKwargs],
    ) -> None:
        policy: dict[str, Any] = {}
        if HAS_RETRY_POLICIES:
            policy["retry_policy"] = retry_policy or CodatRetryPolicy()
        super().__init__(**kwargs, **policy)
        self.codat_conn_id = codat_conn_id
        self.hook_params = hook_params

    def _hook_params(self) -> Mapping[str, Any] | None:
        """Return the extras of the connection that this task overrides."""
        return task_params(self.hook_params, self.pool_slots)

    @cached_property
    def hook(self) -> CodatHook:
        """The hook that talks to Codat."""
        hook = CodatHook(self.codat_conn_id, hook_params=self._hook_params())
        if self._told_to_stop:
            hook.stop()
        return hook

    def _run_of(self, context: "Context") -> TaskRun:
        """Return this try, for those that are not to know the operator."""
        if self._task_run is None or self._task_run.context is not context:
            self._task_run = TaskRun(context, self.hook, self.log, self._store(context))
        return self._task_run

    def _store(self, _context: "Context") -> "Store | None":
        """Return where a journal is kept; whoever writes has one."""
        return None

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

    def _resumed(
        self,
        work: Callable[["Context", object], T],
        context: "Context",
        event: object,
        must_end_at: float | None,
    ) -> T:
        """Go on in another process than the one that has deferred.

        :param must_end_at: when ``execution_timeout`` has passed, epoch seconds; None
            where there is none, and in a task that an earlier version has deferred.
        """
        self.must_end_at = must_end_at
        return self._guarded(work, context, event)

    def _guarded(self, work: Callable[..., T], *given: object) -> T:
        with failing_at_once():
            try:
                result = work(*given)
            finally:
                self.hook.close()
        self._returned = result
        return result

    def _lineage(self, _result: Any) -> Lineage:  # noqa: ANN401 - what the task has returned
        """Return what the task has read and written."""
        return Lineage()

    def get_openlineage_facets_on_complete(self, _task_instance: object) -> Any:  # noqa: ANN401 - of a provider that may be absent
        """Tell Airflow's OpenLineage provider what was read and written.

        It asks when the task has failed, too, of which there may be nothing to tell.
        """
        result = self._returned
        return as_openlineage(Lineage() if result is None else self._lineage(result))


def documented(kind: type[T]) -> type[T]:
    """Let an operator tell all that it takes, though each switch is written once.

    Its signature and its docstring get the parameters of the classes that it is made
    from, those without a default first; and what they return and raise, unless it says
    that itself.
    """
    kinds = [each for each in kind.__mro__ if issubclass(each, CodatOperator)]
    parameters = _parameters(kinds)
    whole: Any = kind  # mypy does not know that Python reads a signature there
    whole.__signature__ = inspect.Signature(parameters)
    described: dict[str, str] = {}
    for each in reversed(kinds):
        described |= _descriptions(each)
    intro, *_ = _FIELD.split(inspect.cleandoc(kind.__doc__ or ""))
    others = next(filter(None, map(_results, kinds)), [])
    about = [described.get(parameter.name, "") for parameter in parameters]
    kind.__doc__ = "".join([intro, *about, *others])
    return kind


def _results(kind: type) -> list[str]:
    """Return what the docstring of a class says of what it returns, and raises."""
    fields = _FIELD.split(inspect.cleandoc(kind.__doc__ or ""))[1:]
    return [field for field in fields if not field.startswith(":param ")]


def _descriptions(kind: type) -> dict[str, str]:
    """Return what the docstring of a class says of its parameters, by their names."""
    text = inspect.cleandoc(kind.__doc__ or "") + "\n"
    return {found[1]: found[0] for found in _PARAMETER.finditer(text)}


_FIELD = re.compile(r"^(?=:(?:param|return|raises)\b)", re.MULTILINE)
_PARAMETER = re.compile(r"^:param (\w+):.*\n(?:[ ]+.*\n)*", re.MULTILINE)


def _parameters(kinds: Iterable[type]) -> list[inspect.Parameter]:
    """Return what the constructors of some classes take by name, each name once."""
    found: dict[str, inspect.Parameter] = {}
    for kind in kinds:
        given = inspect.signature(kind.__dict__.get("__init__", object.__init__))
        named = [p for p in given.parameters.values() if p.kind is p.KEYWORD_ONLY]
        found = {**found, **{p.name: p for p in named if p.name not in found}}
    every = inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)
    return [*sorted(found.values(), key=lambda p: p.default is not p.empty), every]
