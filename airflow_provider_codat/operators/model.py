"""Reading what a connection's software wants of a record."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

from airflow_provider_codat.api.models import Destination, checked_uuid
from airflow_provider_codat.api.payload.integration_model import to_json_schema
from airflow_provider_codat.operators.codat_operator import CodatOperator, documented
from airflow_provider_codat.tasks.arguments import argument
from airflow_provider_codat.tasks.options import CodatKwargs

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

JSON_SCHEMA_KEY = "json_schema"
"""The XCom that holds the JSON Schema."""


@documented
class GetCustomerModelOperator(CodatOperator):
    """Read what a connection's accounting software wants of a customer.

    What it returns can be kept, and given to the create operators as ``model``.

    :param company_id: Codat's company, a UUID. (templated)
    :param connection_id: that company's connection to its accounting software, a UUID.
        Without it, the company's one linked accounting connection is taken. (templated)
    :param json_schema: whether to push the model as a JSON Schema (2020-12), too, to
        the XCom ``json_schema``.
    :param strict: whether the JSON Schema holds the limits that the model states in
        prose, such as the longest length of a name.
    :return: the model, as Codat sent it: an object of ``type``, ``displayName``,
        ``properties`` and more; see ``docs/integrations.md``.
    :raises NotFound: when there is no such connection, or its software takes no
        customers.
    Source: https://docs.codat.io/platform-api#/operations/get-create-update-model-options-by-data-type
    """

    template_fields: Sequence[str] = ("company_id", "connection_id", "codat_conn_id")

    def __init__(
        self,
        *,
        company_id: str,
        connection_id: str | None = None,
        json_schema: bool = False,
        strict: bool = False,
        **options: Unpack[CodatKwargs],
    ) -> None:
        super().__init__(**options)
        self.company_id = company_id
        self.connection_id = connection_id
        self.json_schema = json_schema
        self.strict = strict

    def execute(self, context: "Context") -> dict[str, Any]:
        """Ask, and return the model."""
        return self._guarded(self._read, context)

    def _read(self, context: "Context") -> dict[str, Any]:
        company_id = argument(checked_uuid, self.company_id, "company_id")
        connection_id = self.connection_id
        if connection_id is None:
            connection_id = self.hook.find_connection(company_id)
        place = argument(Destination, company_id, connection_id)
        model = self.hook.get_customer_model(place.company_id, place.connection_id)
        wanted = model.get("properties")
        self.log.info(
            "The model of connection %s lists %d properties",
            place.connection_id,
            len(wanted) if isinstance(wanted, dict) else 0,
        )
        if self.json_schema:
            schema = to_json_schema(model, strict=self.strict)
            context["ti"].xcom_push(key=JSON_SCHEMA_KEY, value=schema)
        return model
