"""The operators that read: a company's records, and what its software wants of one."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

from airflow_provider_codat.api.books.existing import is_deleted
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.errors import SettingsInvalid, StillInProgress
from airflow_provider_codat.api.models import Destination, checked_uuid
from airflow_provider_codat.api.payload.integration_model import to_json_schema
from airflow_provider_codat.hooks.reading import readable
from airflow_provider_codat.lineage import (
    Lineage,
    file_datasets,
    records_dataset,
)
from airflow_provider_codat.operators.codat_operator import CodatOperator, documented
from airflow_provider_codat.tasks.arguments import argument
from airflow_provider_codat.tasks.files import written
from airflow_provider_codat.tasks.options import CodatKwargs
from airflow_provider_codat.tasks.update import record_id_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath


_MOST_PASSES = 5
_LARGEST_PAGE = 5000


@documented
class ListAccountingRecordsOperator(CodatOperator):
    """Write Codat's copy of a company's records to a file, one on each line.

    The copy is as old as the last refresh, see
    :class:`airflow_provider_codat.operators.refresh.CodatDataRefreshOperator`. Each
    record is written once, as Codat sends it, and none is left out, even where the
    copy is renewed while it is read. The file is replaced as a whole, or not at all.

    :param data_type: Codat's key, such as ``invoices``.
    :param company_id: Codat's company, a UUID; the records are those of all its
        connections. (templated)
    :param connection_id: a UUID, for the data types whose copy is that of one
        connection: bank accounts, direct costs and incomes, transfers. (templated)
    :param path: of the file of JSON lines, gzip where it ends in ``.gz``, wherever
        Airflow's ``ObjectStoragePath`` writes. (templated)
    :param modified_since: leaves out what Codat has not seen changed since: a datetime,
        or a text that renders to one, with a time zone. None, and what renders to
        ``None`` or to nothing, lists all. (templated)
    :param query: in Codat's query language, such as ``customerName~Bakery``.
        (templated)
    :param include_deleted: whether to write those, too, that were deleted in the
        accounting software, with ``metadata.isDeleted``.
    :param page_size: how many records each request asks for, 1 to 5,000.
    :return: a dict of ``company_id``, ``path``, ``records`` (how many; that of
        customers says ``customers``) and ``modified_since`` (as ISO 8601, or None).
    :raises StillInProgress: when there is no copy yet: refresh first. Also when the
        copy is renewed again and again.
    """

    template_fields: Sequence[str] = (
        "company_id",
        "connection_id",
        "path",
        "modified_since",
        "query",
        "codat_conn_id",
    )
    counted_as = "records"

    def __init__(
        self,
        *,
        data_type: str,
        company_id: str,
        path: "str | ObjectStoragePath",
        connection_id: str | None = None,
        modified_since: datetime | str | None = None,
        query: str | None = None,
        include_deleted: bool = False,
        page_size: int = 1000,
        **options: Unpack[CodatKwargs],
    ) -> None:
        super().__init__(**options)
        self.data_type = data_type
        self.company_id = company_id
        self.connection_id = connection_id
        self.path = path
        self.modified_since = modified_since
        self.query = query
        self.include_deleted = include_deleted
        self.page_size = page_size

    def execute(self, context: "Context") -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Write the file, and return how many records are in it."""
        return self._guarded(self._list)

    def _list(self) -> dict[str, Any]:
        company_id = argument(checked_uuid, self.company_id, "company_id")
        since = moment(self.modified_since, "modified_since")
        if not 1 <= self.page_size <= _LARGEST_PAGE:
            raise SettingsInvalid(f"page_size must be from 1 to {_LARGEST_PAGE}")
        listed = 0

        def lines() -> Iterator[str]:
            nonlocal listed
            for record in self._records(company_id, since):
                if self.include_deleted or not is_deleted(record):
                    listed += 1
                    yield json.dumps(record, ensure_ascii=False)

        row = argument(readable, self.data_type)
        written(self._path(), lines(), "path")
        self.log.info("Wrote %d %s", listed, row.records)
        return {
            "company_id": company_id,
            "path": str(self.path),
            self.counted_as: listed,
            "modified_since": since and since.isoformat(),
        }

    def _lineage(self, result: dict[str, Any]) -> Lineage:
        records = records_dataset(result["company_id"], self.data_type)
        return Lineage(
            [records], file_datasets(result["path"]), result[self.counted_as]
        )

    def _path(self) -> "str | ObjectStoragePath":
        """Return where to write, unless that has rendered to nothing."""
        if str(self.path).strip() in {"", "None"}:
            raise SettingsInvalid("path is empty; give one, such as s3://bucket/key")
        return self.path

    def _records(
        self, company_id: str, since: datetime | None
    ) -> Iterator[dict[str, Any]]:
        """Yield each record once, and none too few.

        What a refresh brings while the pages are read moves records from one page to
        another, perhaps to one that was read before. So the pages are read again, until
        the copy has stayed the same meanwhile.
        """
        seen: set[str] = set()
        query = str(self.query or "").strip()
        copy = self._copy(company_id)
        for _ in range(_MOST_PASSES):
            for record in self.hook.list_records(
                self.data_type,
                company_id,
                connection_id=self.connection_id,
                query=None if query in {"", "None"} else query,
                modified_since=since,
                page_size=self.page_size,
            ):
                # Without an id it is told apart by all that it says.
                name = repr(record.get("id") or record)
                if name not in seen:
                    seen.add(name)
                    yield record
            before, copy = copy, self._copy(company_id)
            if copy == before:
                return
            self.log.info("Codat's copy was renewed meanwhile; reading it again")
        raise StillInProgress(
            f"Codat's copy was renewed during each of {_MOST_PASSES} readings. List "
            "them when no refresh is running"
        )

    def _copy(self, company_id: str) -> tuple[object, ...]:
        """Return what changes when Codat has renewed its copy."""
        status = self.hook.get_data_status(company_id).get(self.data_type, {})
        return status.get("latestSuccessfulSyncId"), status.get("lastSuccessfulSync")


def moment(value: datetime | str | None, name: str) -> datetime | None:
    """Read a moment, which may have been rendered; None when there is none.

    :param name: of the argument, for the message.
    :raises SettingsInvalid: when it is no moment, or one without a time zone.
    """
    if not isinstance(value, datetime):
        text = "" if value is None else str(value).strip()
        if text in {"", "None"}:
            return None
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            raise SettingsInvalid(
                f"{name} must be a date and time such as 2026-03-01T00:00:00+00:00"
            ) from None
    if value.tzinfo is None:
        raise SettingsInvalid(
            f"{name} must have a time zone, such as 2026-03-01T00:00:00+00:00"
        )
    return value


@documented
class ListAccountingCustomersOperator(ListAccountingRecordsOperator):
    """Write Codat's copy of a company's customers to a file, one on each line.

    The copy is as old as the last refresh, see
    :class:`airflow_provider_codat.operators.refresh.CodatDataRefreshOperator`.

    :return: a dict of ``company_id``, ``path``, ``customers`` (how many) and
        ``modified_since`` (as ISO 8601, or None).
    """

    counted_as = "customers"

    def __init__(self, *, data_type: str = CUSTOMERS.name, **options: Any) -> None:  # noqa: ANN401 - those of the operator behind it
        super().__init__(data_type=data_type, **options)


@documented
class GetAccountingRecordOperator(CodatOperator):
    """Return Codat's copy of one record.

    The copy is as old as the last refresh, see
    :class:`airflow_provider_codat.operators.refresh.CodatDataRefreshOperator`.

    :param data_type: Codat's key, such as ``invoices``.
    :param company_id: Codat's company, a UUID. (templated)
    :param record_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    :param connection_id: a UUID, for the data types whose copy is that of one
        connection: bank accounts, direct costs and incomes, transfers. (templated)
    :return: the record, as Codat sends it.
    :raises NotFound: when the copy holds no such record; after a write, it does not
        before a refresh.
    :raises StillInProgress: when there is no copy yet: refresh first.
    """

    template_fields: Sequence[str] = (
        "company_id",
        "record_id",
        "connection_id",
        "codat_conn_id",
    )

    def __init__(
        self,
        *,
        data_type: str,
        company_id: str,
        record_id: str,
        connection_id: str | None = None,
        **options: Unpack[CodatKwargs],
    ) -> None:
        super().__init__(**options)
        self.data_type = data_type
        self.company_id = company_id
        self.record_id = record_id
        self.connection_id = connection_id

    def execute(self, context: "Context") -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Ask, and return the record."""
        return self._guarded(self._read)

    def _read(self) -> dict[str, Any]:
        return argument(
            self.hook.get_record,
            self.data_type,
            self.company_id,
            record_id_of(self.record_id, "record_id"),
            connection_id=self.connection_id,
        )

    def _lineage(self, _result: dict[str, Any]) -> Lineage:
        return Lineage([records_dataset(self.company_id, self.data_type)])


JSON_SCHEMA_KEY = "json_schema"
"""The XCom that holds the JSON Schema."""


@documented
class GetRecordModelOperator(CodatOperator):
    """Read what a connection's accounting software wants of a record.

    What it returns can be kept, and given to the create operators as ``model``.

    :param data_type: Codat's key, such as ``invoices``.
    :param company_id: Codat's company, a UUID. (templated)
    :param connection_id: that company's connection to its accounting software, a UUID.
        Without it, the company's one linked accounting connection is taken. (templated)
    :param json_schema: whether to push the model as a JSON Schema (2020-12), too, to
        the XCom ``json_schema``.
    :param strict: whether the JSON Schema holds the limits that the model states in
        prose, such as the longest length of a name.
    :return: the model, as Codat sent it: an object of ``type``, ``displayName``,
        ``properties`` and more; see ``docs/integrations.md``.
    :raises NotFound: when there is no such connection, or its software takes no such
        records.
    Source: https://docs.codat.io/platform-api#/operations/get-create-update-model-options-by-data-type
    """

    template_fields: Sequence[str] = ("company_id", "connection_id", "codat_conn_id")

    def __init__(
        self,
        *,
        data_type: str,
        company_id: str,
        connection_id: str | None = None,
        json_schema: bool = False,
        strict: bool = False,
        **options: Unpack[CodatKwargs],
    ) -> None:
        super().__init__(**options)
        self.data_type = data_type
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
        model = argument(
            self.hook.get_model,
            self.data_type,
            place.company_id,
            place.connection_id,
        )
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


@documented
class GetCustomerModelOperator(GetRecordModelOperator):
    """Read what a connection's accounting software wants of a customer.

    What it returns can be kept, and given to the create operators as ``model``.

    :return: the model, as Codat sent it: an object of ``type``, ``displayName``,
        ``properties`` and more; see ``docs/integrations.md``.
    :raises NotFound: when there is no such connection, or its software takes no
        customers.
    """

    def __init__(self, *, data_type: str = CUSTOMERS.name, **options: Any) -> None:  # noqa: ANN401 - those of the operator behind it
        super().__init__(data_type=data_type, **options)
