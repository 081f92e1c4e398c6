"""``@task.codat_record``: a function returns the record that is to be created."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import (
    DecoratedOperator,
    context_merge,
    determine_kwargs,
    task_decorator_factory,
)

from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.errors import PayloadInvalid
from airflow_provider_codat.api.models import Problem, Summary
from airflow_provider_codat.operators.codat import CreateAccountingRecordOperator
from airflow_provider_codat.tasks.identity import are_written_down

if TYPE_CHECKING:
    import jinja2
    from airflow.providers.common.compat.sdk import Context, TaskDecorator


class CodatRecordDecoratedOperator(DecoratedOperator, CreateAccountingRecordOperator):
    """Creates the record that a function returns.

    What it returns is no template, and is kept nowhere in Airflow: in no XCom, rendered
    field or log.

    :param python_callable: the function. It is called when a try begins, and when one
        goes on after a pause; and after a wait for the push operation only if Codat has
        something to say, whose words are cleared of the payload's values.
    :param op_args: its arguments. (templated)
    :param op_kwargs: its arguments by name. (templated)
    :param kwargs: as :class:`CreateAccountingRecordOperator` takes them, apart from
        ``record``.
    """

    template_fields: Sequence[str] = (
        *DecoratedOperator.template_fields,
        *(
            name
            for name in CreateAccountingRecordOperator.template_fields
            if name != "record"
        ),
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **DecoratedOperator.template_fields_renderers,
        "model": "json",
    }
    custom_operator_name = "@task.codat_record"
    if not hasattr(CreateAccountingRecordOperator, "xcom_push"):
        # Airflow 3.0 expects it of its operators, and does nothing with it.
        xcom_push = None

    _context: "Context"
    _payload: Any = None

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,  # noqa: ANN401 - those of the operators behind it
    ) -> None:
        super().__init__(
            python_callable=python_callable,
            op_args=op_args,
            op_kwargs=op_kwargs,
            record={},
            **kwargs,
        )

    def payload(self) -> object:
        """Return what the function returns; it is called once.

        Not before the task's journal is open: a try that the function ends has sent
        nothing, and the next one has to know.
        """
        if self._payload is None:
            self._payload = self._returned(self._context)
        return self._payload

    def _write(self, context: "Context") -> Summary:
        self._context, self._payload = context, None
        return super()._write(context)

    def _complete(self, context: "Context", event: object) -> Summary:
        self._context, self._payload = context, None
        return super()._complete(context, event)

    def _redactor(self) -> Callable[[str], str]:
        redact = super()._redactor

        def redacted(words: str) -> str:
            # Only now: the function is not called for words that nobody says.
            return redact()(words)

        return redacted

    def _returned(self, context: "Context") -> Any:  # noqa: ANN401 - whatever it is
        """Call the function.

        :raises PayloadInvalid: when it returns nothing.
        """
        context_merge(context, self.op_kwargs)
        given = determine_kwargs(self.python_callable, self.op_args, context)
        record = self.python_callable(*self.op_args, **given)
        if record is None:
            words = "the function returned nothing; let it return the payload, a dict"
            raise PayloadInvalid([Problem("", "json", words)])
        return record

    def _do_render_template_fields(
        self,
        parent: Any,  # noqa: ANN401 - Airflow's signature
        template_fields: Iterable[str],
        context: "Context",
        jinja_env: "jinja2.Environment",
        seen_oids: set[int],
    ) -> None:
        seen_oids.update(id(value) for value in self._from_xcom(context))
        super()._do_render_template_fields(
            parent, template_fields, context, jinja_env, seen_oids
        )

    def _from_xcom(self, context: "Context") -> Iterator[object]:
        """Yield the arguments that ``expand_kwargs`` took from an XCom."""
        mapped: Any = context["dag"].get_task(self.task_id)
        given = getattr(mapped, "op_kwargs_expand_input", None)
        if given is None or are_written_down(given.value, context):
            return
        author = mapped.partial_kwargs["op_kwargs"]
        for name, value in self.op_kwargs.items():
            if value is not author.get(name):
                yield value


class CodatCustomerDecoratedOperator(CodatRecordDecoratedOperator):
    """Creates the customer that a function returns.

    See :class:`CodatRecordDecoratedOperator`; the data type is ``customers``.
    """

    custom_operator_name = "@task.codat_customer"

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - those of the operators behind it
        super().__init__(**{"data_type": CUSTOMERS.name, **kwargs})


def codat_record_task(
    python_callable: Callable[..., Any] | None = None,
    **kwargs: Any,  # noqa: ANN401 - those of the operator
) -> "TaskDecorator":
    """Create the record that the decorated function returns.

    :param kwargs: as :class:`CreateAccountingRecordOperator` takes them, such as
        ``data_type``, apart from ``record``.
    """
    return task_decorator_factory(
        python_callable,
        decorated_operator_class=CodatRecordDecoratedOperator,
        **kwargs,
    )


def codat_customer_task(
    python_callable: Callable[..., Any] | None = None,
    **kwargs: Any,  # noqa: ANN401 - those of the operator
) -> "TaskDecorator":
    """Create the customer that the decorated function returns.

    :param kwargs: as :class:`CreateAccountingCustomerOperator` takes them, apart from
        ``customer``.
    """
    return task_decorator_factory(
        python_callable,
        decorated_operator_class=CodatCustomerDecoratedOperator,
        **kwargs,
    )
