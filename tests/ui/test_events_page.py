"""What a person sees of Codat's events: the asset, and the run that one started."""

import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_codat.simulator import LocalCodat

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.ui]

DAG = "codat_on_customer_written"
COUNT = 3
RUN_SECONDS = 600


@pytest.fixture
def sending(airflow: Any, codat: LocalCodat) -> Iterator[LocalCodat]:  # noqa: ANN401 - scripts/local_airflow.py
    """Serve a Codat of the same companies that sends its events to Airflow."""
    name = "codat_events"
    url = f"{airflow.url}/codat/webhooks/{name}"
    with LocalCodat(settle_seconds=0, webhook_url=url) as sending:
        assert sending.company_id == codat.company_id
        secret = {"webhook_signing_secrets": sending.webhook_secret}
        body = {
            "connection_id": name,
            "conn_type": "codat",
            "extra": json.dumps(secret),
        }
        airflow.ask("POST", "/api/v2/connections", body)
        yield sending
        airflow.ask("DELETE", f"/api/v2/connections/{name}")


def started(airflow: Any) -> dict[str, Any]:  # noqa: ANN401 - the same
    """Wait for a run that has ended; return it."""
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        runs = airflow.ask("GET", f"/api/v2/dags/{DAG}/dagRuns")["dag_runs"]
        for run in runs:
            if run["state"] == "success":
                return dict(run)
        time.sleep(0.5)
    pytest.fail("no run was started")


def test_events(
    page: "Page",
    airflow: Any,  # noqa: ANN401 - the same
    sending: LocalCodat,
    picture: Callable[[str], None],
) -> None:
    """An asset's page shows each event with its ids; the run shows what started it."""
    from playwright.sync_api import expect  # noqa: PLC0415 - where it is installed

    for number in range(COUNT):
        body = {"customerName": f"Larkspur {number}", "status": "Active"}
        sending.stranger_pushes(body)
    run = started(airflow)
    uri = f"codat://companies/{sending.company_id}/customers"
    found = airflow.ask("GET", "/api/v2/assets?limit=100")["assets"]
    (asset,) = [each for each in found if each["uri"] == uri]
    page.goto(f"/assets/{asset['id']}")
    expect(page.get_by_text(f"{COUNT} Asset Events")).to_be_visible()
    expect(page.get_by_role("link", name=DAG).first).to_be_visible()
    # What an event carries is shown folded.
    page.locator(".codicon-folding-collapsed").first.click()
    expect(page.get_by_text("push_operation_key").first).to_be_visible()
    assert "Larkspur" not in page.locator("body").inner_text()
    picture("asset-events")
    page.goto(f"/dags/{DAG}/runs/{run['dag_run_id']}/asset_events")
    expect(page.get_by_text(uri).first).to_be_visible()
    picture("run-by-event")
