"""What a task has read and written, as OpenLineage tells it to whoever draws lineage.

Nothing of OpenLineage's is imported unless its provider asks.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_codat.assets import openlineage_names, records_uri

if TYPE_CHECKING:
    from airflow_provider_codat.tasks.files import Location


_LOCAL = frozenset({"", "file", "local"})


class Dataset(NamedTuple):
    """A dataset, by the two names that OpenLineage gives to each."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a task has read and written.

    :param inputs: what it has read.
    :param outputs: what it has written.
    :param rows: how many records it has written into the first of them.
    :param columns: which column of the one input became which property of the first.
    :param sql: a query that it has run, with its connection: its tables are inputs.
    """

    inputs: Sequence[Dataset] = ()
    outputs: Sequence[Dataset] = ()
    rows: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    sql: tuple[str, str] | None = None


def records_dataset(company_id: object, data_type: str) -> Dataset:
    """Return the dataset of a company's records: it is named as their asset is."""
    return Dataset(*openlineage_names(records_uri(str(company_id), data_type)))


def file_datasets(path: "Location | None") -> list[Dataset]:
    """Return the dataset of a file; none where there is none."""
    if path is None or not str(path).strip():
        return []
    location = ObjectStoragePath(str(path))
    if location.protocol in _LOCAL:
        return [Dataset("file", location.path)]
    return [Dataset(location.namespace, location.key)]


def as_openlineage(lineage: Lineage) -> Any:  # noqa: ANN401 - of a provider that may be absent
    """Return what Airflow's OpenLineage provider takes; None where it is absent."""
    try:
        from airflow.providers.openlineage.extractors import (  # noqa: PLC0415 - see above
            OperatorLineage,
        )
        from openlineage.client.event_v2 import InputDataset, OutputDataset  # noqa: PLC0415 - see above
        from openlineage.client.facet_v2 import output_statistics_output_dataset  # noqa: PLC0415 - see above
    except ImportError:
        return None
    inputs = [*lineage.inputs, *_tables(lineage.sql)]
    written: dict[str, Any] = {}
    if lineage.rows is not None:
        written["outputStatistics"] = (
            output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=lineage.rows
            )
        )
    outputs = [OutputDataset(*each) for each in lineage.outputs]
    if outputs:
        outputs[0].facets = _column_facets(lineage, inputs)
        outputs[0].outputFacets = written
    return OperatorLineage(
        inputs=[InputDataset(*each) for each in inputs], outputs=outputs
    )


def _tables(sql: tuple[str, str] | None) -> Iterable[Dataset]:
    """Return the tables of a query, as OpenLineage's parser finds them."""
    if sql is None:
        return []
    query, conn_id = sql
    with suppress(ImportError):
        from airflow.providers.common.compat.sdk import BaseHook  # noqa: PLC0415 - for queries alone
        from airflow.providers.openlineage.sqlparser import (  # noqa: PLC0415 - an extra
            get_openlineage_facets_with_sql,
        )

        connection: Any = BaseHook.get_connection(conn_id)
        # No connection to the database: the query alone is looked at.
        found = get_openlineage_facets_with_sql(
            connection.get_hook(), query, conn_id, None, use_connection=False
        )
        if found is not None:
            return [Dataset(each.namespace, each.name) for each in found.inputs]
    return []


def _column_facets(lineage: Lineage, inputs: Sequence[Dataset]) -> dict[str, Any]:
    """Return which property comes from which column, where one input has them all."""
    if not lineage.columns or len(inputs) != 1:
        return {}
    from openlineage.client.facet_v2 import column_lineage_dataset as column  # noqa: PLC0415 - see above

    source = inputs[0]
    return {
        "columnLineage": column.ColumnLineageDatasetFacet(
            fields={
                path: column.Fields(
                    inputFields=[column.InputField(source.namespace, source.name, name)]
                )
                for name, path in lineage.columns.items()
            }
        )
    }
