"""The first pass through the rows of a task, and what is told of it."""

from typing import TYPE_CHECKING

from airflow_provider_codat.api.bulk.rows import MOST_IN_A_LIST, Survey
from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.tasks.files import check_writable

if TYPE_CHECKING:
    from airflow_provider_codat.operators.create_many import CreateRecordsOperator
    from airflow_provider_codat.tasks.create_many import Given


def surveyed(task: "CreateRecordsOperator", args: "Given") -> Survey:
    """Check every row, and whether the results have a place.

    :raises SettingsInvalid: when they have none, or there are no rows.
    """
    if args.results_path:
        check_writable(args.results_path)
    survey = args.rows.survey()
    _tell(task, survey)
    if survey.total > MOST_IN_A_LIST and not args.results_path:
        raise SettingsInvalid(
            f"{survey.total:,} rows need results_path, a file for their results: "
            f"the return value holds up to {MOST_IN_A_LIST:,}. Nothing was sent"
        )
    return survey


def _tell(task: "CreateRecordsOperator", survey: Survey) -> None:
    """Say what was found, apart from errors."""
    task.log.info("%d rows, %d of them not valid", survey.total, survey.invalid)
    if survey.left_out:
        task.log.info(
            "Left out of the payloads, as Codat takes it in no write: %s "
            "(read_only_fields)",
            ", ".join(survey.left_out),
        )
    for warned in survey.warnings:
        task.log.warning(
            "%d rows, row %d the first: %s: %s",
            warned.rows,
            warned.first,
            warned.path,
            warned.message,
        )
