"""From a query to a company's books: each row of its result becomes one record."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_codat.api.data_types import CUSTOMERS, data_type_of
from airflow_provider_codat.api.errors import CodatError, SettingsInvalid
from airflow_provider_codat.lineage import Lineage
from airflow_provider_codat.operators.codat_operator import documented
from airflow_provider_codat.operators.create_many import CreateRecordsOperator
from airflow_provider_codat.tasks.arguments import rendered_text
from airflow_provider_codat.tasks.create_many import CreateManyArguments, read_arguments
from airflow_provider_codat.tasks.files import exists, remove
from airflow_provider_codat.tasks.identity import TaskRun
from airflow_provider_codat.tasks.options import CreateManyOptions, CreateRecordsKwargs
from airflow_provider_codat.tasks.staging import (
    query_hook,
    stage_rows,
    staged_name,
    staged_rows,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

_STAGING = "staging_path"


@documented
class SqlToCodatOperator(CreateRecordsOperator):
    """Create a record for each row of a query, each exactly once.

    The query's rows are written to a file first, through a cursor on the server where
    the driver has one; then they are checked and sent as by
    :class:`airflow_provider_codat.operators.codat.CreateAccountingRecordsOperator`.
    Another try of the task reads the file, and runs no query, until the task is
    cleared or the query is another one. When the task has succeeded, the file is
    removed.

    :param sql: one query, or the path of a ``.sql`` file. (templated)
    :param sql_conn_id: an Airflow connection whose hook is a ``DbApiHook``; needs the
        extra ``sql`` and the provider of the database. (templated)
    :param parameters: of the query, as its driver takes them. (templated)
    :param sql_hook_params: of the database's hook.
    :param data_type: Codat's key of what the rows are to become.
    :param staging_path: a folder that all workers reach, for the file of rows. Without
        it each try runs the query again, and ``item_key`` is needed. (templated)
    """

    template_fields: Sequence[str] = (
        *(
            name
            for name in CreateRecordsOperator.template_fields
            if name not in {"records", "records_path"}
        ),
        "sql",
        "sql_conn_id",
        "parameters",
        _STAGING,
    )
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "columns": "json",
        "constants": "json",
        "model": "json",
        "parameters": "json",
        "sql": "sql",
    }

    def __init__(
        self,
        *,
        sql: str,
        sql_conn_id: str,
        parameters: Mapping[str, Any] | Sequence[Any] | None = None,
        sql_hook_params: Mapping[str, Any] | None = None,
        data_type: str = CUSTOMERS.name,
        staging_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.sql = sql
        self.sql_conn_id = sql_conn_id
        self.parameters = parameters
        self.sql_hook_params = sql_hook_params
        self.data_type = data_type_of(data_type)
        self.staging_path = staging_path
        self._folder = ""

    @property
    def _sources(self) -> tuple[tuple[str, object], tuple[str, object]]:
        # None that outlasts the task.
        return ("sql", None), (_STAGING, None)

    def _write(
        self, context: "Context", failure: CodatError | None = None
    ) -> dict[str, Any]:
        self._folder = rendered_text(self.staging_path)
        if self._folder:
            return self._from_staged(context, failure)
        if not rendered_text(self.item_key):
            raise SettingsInvalid(
                "staging_path or item_key is needed: a query that is run again may "
                "give other rows, and only their keys tell which were sent"
            )
        with TemporaryDirectory() as self._folder:
            return self._from_staged(context, failure)

    def _from_staged(
        self, context: "Context", failure: CodatError | None
    ) -> dict[str, Any]:
        """Create the rows; what is not to be gone on with is not kept."""
        path = self._staged(self._run_of(context))
        try:
            result = super()._write(context, failure)
        except AirflowSkipException:
            remove(path, _STAGING)
            raise
        remove(path, _STAGING)
        return result

    def _lineage(self, result: dict[str, Any]) -> Lineage:
        return replace(super()._lineage(result), sql=(self.sql, self.sql_conn_id))

    def _staged(self, run: TaskRun) -> str:
        """Return the path of the file of rows."""
        query = self.sql, self.parameters, self.sql_conn_id
        return f"{self._folder.rstrip('/')}/{staged_name(run, *query)}"

    def _arguments(
        self, run: TaskRun, options: CreateManyOptions
    ) -> CreateManyArguments:
        path = self._staged(run)
        args = read_arguments(
            run, options, ("sql", None), (_STAGING, path), staged_rows
        )
        if exists(path, _STAGING):
            self.log.info("Going on with the rows that an earlier try has read")
            return args
        self.log.info("Reading the rows of the query over %s", self.sql_conn_id)
        hook = query_hook(self.sql_conn_id, self.sql_hook_params)
        stage_rows(path, hook, self.sql, self.parameters, args.rows.rules.table)
        return args
