"""What becomes of a write whose record was in the books before."""

import logging
from collections.abc import Sequence

from airflow_provider_codat.api.create.intent import Match, Write
from airflow_provider_codat.api.errors import AlreadyExists
from airflow_provider_codat.api.models import Summary

log = logging.getLogger(__name__)

_MOST_NAMED = 5


def existed(write: Write, *, unseen: bool) -> Summary | None:
    """Return what a task returns whose record was in the books before; else None.

    :param unseen: whether a try that left no journal may have created it.
    :raises AlreadyExists: when that is to fail the task, or several are like it.
    """
    found = write.existing(write.payload) if write.existing else ()
    if not found:
        return None
    matched = ", ".join(dict.fromkeys(name for m in found for name in m.matched_on))
    what = f"{write.data_type.record} with the same {matched}"
    if write.if_exists == "fail" or len(_ids(found)) > 1:
        raise _already(write, what, _ids(found), unseen=unseen)
    record_id = found[0].record_id
    log.log(
        write.info_level,
        "The books hold a %s: record %s; nothing is sent",
        what,
        record_id,
    )
    return {
        "push_operation_key": "",
        "status": "Exists",
        "record_id": record_id,
        "company_id": write.destination.company_id,
        "connection_id": write.destination.connection_id,
        "warnings": [],
        "requested_at": "",
        "completed_at": None,
        "adopted": False,
    }


def _ids(found: Sequence[Match]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match.record_id for match in found))


def _already(
    write: Write, what: str, ids: tuple[str, ...], *, unseen: bool
) -> AlreadyExists:
    """Return the error that names the records that were there."""
    nothing = "Nothing was sent"
    if unseen:
        nothing = (
            "It may be one of an earlier try of this task, of which nothing was "
            "written down; this one has sent nothing"
        )
    if len(ids) == 1:
        return AlreadyExists(
            f"the books hold a {what} already: record {ids[0]}. {nothing} "
            '(if_exists="fail")',
            record_ids=ids,
        )
    listed = ", ".join(ids[:_MOST_NAMED]) + ", ..." * (len(ids) > _MOST_NAMED)
    advice = "Fewer properties in match_on may tell them apart"
    return AlreadyExists(
        f"the books hold {len(ids)} records of a {what}: {listed}. {nothing}. "
        + ("" if write.if_exists == "fail" else advice),
        record_ids=ids,
    )
