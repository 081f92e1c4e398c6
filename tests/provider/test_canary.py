"""The law that a customer's data, and the key, stay where they belong.

Every value of the payload holds the same rare word. It has to be in the books and in
the rendered template field, and nowhere else: not in a log line at DEBUG, a traceback,
an XCom, a link or a row of Airflow's database, whatever happens.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_codat.simulator import LocalCodat

# Airflow 3.1 builds its API anew for each task of dag.test(): two seconds, 42 times.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

BIRD = "birdsong"
QUOTING = f"'{BIRD} {{case}}' of {BIRD} city ({BIRD}@example.com) exists; {BIRD} tax."
WRONG_KEY = "CanaryInventedKeyNotASecretCanary0123456"

ORDERS: dict[str, dict[str, Any] | None] = {
    "success": None,
    "400 with an echo": {"kind": "codat_error_before_commit", "status": 400},
    "403 with an echo": {"kind": "codat_error_before_commit", "status": 403},
    "422 with an echo": {"kind": "codat_error_before_commit", "status": 422},
    "500 with an echo": {"kind": "codat_error_after_commit", "status": 500},
    "Failed and quoted": {"kind": "fail"},
    "Failed with a record": {"kind": "fail_with_record"},
    "TimedOut": {"kind": "timed_out"},
    "warned and quoted": {"kind": "warn"},
    "a gateway's page": {"kind": "gateway_error_before_commit"},
    "junk that quotes": {"kind": "junk_body", "count": 3},
    "too many requests": {"kind": "too_many_requests", "retry_after": 60},
    "reset": {"kind": "reset_after_commit"},
    "cut body": {"kind": "cut_body"},
}
CONDITIONS = [
    "invalid",
    "unknown property",
    "broken text",
    "broken literal",
    "repeated name",
    "no JSON",
]


# The books are asked, and tell.
ENDS_WELL = {"success", "500 with an echo", "junk that quotes"}


@pytest.fixture(scope="module")
def left_behind(
    tmp_path_factory: pytest.TempPathFactory, database: None
) -> dict[str, Any]:
    """Run every case in one worker; return what it left: output, results, books."""
    assert database is None
    folder = tmp_path_factory.mktemp("canary")
    confs, results = folder / "confs.json", folder / "results.json"
    cases: list[dict[str, str]] = [{"case": case} for case in ORDERS]
    cases += [{"case": case, "condition": case} for case in CONDITIONS]
    cases += [{"case": "wrong key", "codat_conn_id": "codat_wrong"}]
    confs.write_text(json.dumps(cases), encoding="utf-8")
    unlimited = {"requests_per_minute": None, "daily_quota": None}
    with LocalCodat(settle_seconds=0.05, **unlimited) as codat:
        for case, order in ORDERS.items():
            if order is not None:
                message = QUOTING.format(case=case)
                codat.order(**order, message=message, customer=f"{BIRD} {case}")
        connection = codat.airflow_connection()
        done = subprocess.run(
            [
                sys.executable,
                str(Path(__file__).with_name("run_canary.py")),
                str(confs),
                str(results),
            ],
            check=False,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "AIRFLOW_CONN_CODAT_DEFAULT": connection,
                "AIRFLOW_CONN_CODAT_WRONG": connection.replace(
                    codat.api_key, WRONG_KEY
                ),
                "AIRFLOW__LOGGING__NAMESPACE_LEVELS": "airflow_provider_codat=DEBUG "
                "airflow.task=DEBUG urllib3=DEBUG requests=DEBUG",
                "CODAT_COMPANY_ID": codat.company_id,
                "CODAT_CONNECTION_ID": codat.connection_id,
            },
        )
    assert done.returncode == 0, done.stderr[-3000:]
    files = Path(os.environ["AIRFLOW_HOME"], "logs").rglob("dag_id=canary/**/*.log")
    texts = [done.stdout, done.stderr]
    texts += [file.read_text(encoding="utf-8") for file in files]
    return {
        "output": "\n".join(texts),
        "results": json.loads(results.read_text(encoding="utf-8")),
        "codat": codat,
    }


def test_every_case_came_to_its_end(left_behind: dict[str, Any]) -> None:
    """The canary sang: it was sent, it was quoted back, and the log was captured."""
    assert "started from" in left_behind["output"]
    states = {case: found["state"] for case, found in left_behind["results"].items()}
    assert states == {
        case: "success" if case in ENDS_WELL else "failed"
        for case in [*ORDERS, *CONDITIONS, "wrong key"]
    }
    codat = left_behind["codat"]
    assert f"{BIRD} success" in codat.counts_by_name()
    met = {entry.misfortune for entry in codat.journal()}
    assert {order["kind"] for order in ORDERS.values() if order} <= met
    for phrase in (
        "Sending a customer",
        "PayloadInvalid",
        "OutcomeUnknown",
        '"POST /companies/',
    ):
        assert phrase in left_behind["output"]
    assert "<customerName>" in left_behind["output"]


def test_no_value_of_the_payload_is_logged(left_behind: dict[str, Any]) -> None:
    """Neither by us nor in what Codat said, nor by a traceback."""
    lines = left_behind["output"].splitlines()
    assert [line[:300] for line in lines if BIRD in line.lower()] == []


def test_no_value_of_the_payload_is_stored_but_in_the_rendered_field(
    left_behind: dict[str, Any],
) -> None:
    """XComs, links and Airflow's rows hold ids; the rendered customer is Airflow's."""
    for case, found in left_behind["results"].items():
        fields = found["rendered"]
        assert BIRD in str(fields["customer"]), case
        rest = {**found, "rendered": {**fields, "customer": None}}
        assert BIRD not in json.dumps(rest).lower(), case


def test_no_spelling_of_the_key_is_anywhere(
    left_behind: dict[str, Any], spellings: Callable[[str], list[str]]
) -> None:
    """Right or wrong, raw or encoded: it is in the connection and on the wire."""
    everything = left_behind["output"] + json.dumps(left_behind["results"])
    for key in (left_behind["codat"].api_key, WRONG_KEY):
        for secret in spellings(key):
            assert secret not in everything
