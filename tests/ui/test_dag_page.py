"""A DAG run's pages, as somebody reads them who wants to know what came of it."""

import base64
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_codat.simulator import LocalCodat

if TYPE_CHECKING:
    from playwright.sync_api import Page

Picture = Callable[[str], None]

pytestmark = [pytest.mark.slow, pytest.mark.ui]

RUN_ID = "demonstration"
ONE = "codat_create_customer"
MANY = "codat_create_customers_from_csv"
NAMES = ("Harrowgate Joinery Ltd", "O'Malley & Sons Fishmongers")
ENDED = {"success", "failed"}
RUN_SECONDS = 900
STATES = {
    "running": "running",
    "deferred": "deferred",
    "finished": "success",
    "failed": "failed",
}
STATE_RUNS = f"/dags/states/runs/{RUN_ID}/tasks"


def until(what: str, told: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + RUN_SECONDS
    while not told():
        assert time.monotonic() < deadline, f"not {what} in time"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def states(airflow: Any) -> None:  # noqa: ANN401 - scripts/local_airflow.py
    """Wait until a task is in each state, and all have sent their customer."""

    def told() -> bool:
        found = airflow.task_instances("states", RUN_ID)
        sent = "/xcomEntries?xcom_key_pattern=push_operation_key"
        path = f"/api/v2/dags/states/dagRuns/{RUN_ID}/taskInstances/~{sent}"
        return {each["task_id"]: each["state"] for each in found} == STATES and (
            airflow.ask("GET", path)["total_entries"] == len(STATES)
        )

    until("in every state", told)


@pytest.fixture(scope="session")
def many(airflow: Any) -> None:  # noqa: ANN401 - scripts/local_airflow.py
    """Wait until all customers of the file are created."""
    until("created", lambda: airflow.run_state(MANY, RUN_ID) == "success")


def secrets(codat: LocalCodat) -> set[str]:
    """Return the spellings of the key."""
    return {codat.api_key, base64.b64encode(codat.api_key.encode()).decode()}


def test_trigger_form(
    page: "Page",
    airflow: Any,  # noqa: ANN401 - scripts/local_airflow.py
    codat: LocalCodat,
    picture: Picture,
) -> None:
    """Who triggers the example in the browser is asked for a customer, and gets it."""
    page.goto(f"/dags/{ONE}")
    page.get_by_role("button", name="Trigger Dag").click()
    form = page.get_by_role("dialog")
    form.get_by_text("A UUID, from Codat's Portal").wait_for()
    asked = form.get_by_role("group").filter(has_text="Customer's name")
    asked.get_by_role("textbox").fill("Foxglove Bindery")
    picture("trigger-form")
    form.get_by_role("button", name="Trigger", exact=True).click()
    form.wait_for(state="hidden")

    def runs() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = airflow.ask("GET", f"/api/v2/dags/{ONE}/dagRuns")[
            "dag_runs"
        ]
        return found

    until("ended", lambda: {each["state"] for each in runs()} == {"success"})
    assert codat.counts_by_name()["Foxglove Bindery"] == 1


@pytest.mark.usefixtures("many")
def test_mapped_tasks_bear_names(page: "Page", picture: Picture) -> None:
    """Each mapped task is listed by its customer, and not by a number."""
    page.goto(f"/dags/{MANY}/runs/{RUN_ID}/tasks/create_customer/mapped")
    for number, name in enumerate(NAMES, 1):
        page.get_by_role("link", name=f"C-000{number}: {name}").wait_for()
    picture("mapped-customers")


@pytest.mark.usefixtures("many")
def test_rendered_payload(page: "Page", codat: LocalCodat, picture: Picture) -> None:
    """The rendered customer is shown as JSON, and no secret beside it."""
    from playwright.sync_api import expect  # noqa: PLC0415 - where it is installed

    page.goto(
        f"/dags/{MANY}/runs/{RUN_ID}/tasks/create_customer/mapped/0/rendered_templates"
    )
    payload = page.get_by_role("row").filter(
        has=page.get_by_role("cell", name="customer", exact=True)
    )
    expect(payload).to_contain_text(f'"customerName": "{NAMES[0]}"')
    expect(payload).to_contain_text('"taxNumber": "GB123456701"')
    assert not [each for each in secrets(codat) if each in page.content()]
    payload.scroll_into_view_if_needed()
    picture("rendered-customer")


@pytest.mark.usefixtures("states")
@pytest.mark.parametrize("state", STATES)
def test_link(page: "Page", codat: LocalCodat, picture: Picture, state: str) -> None:
    """The link leads to the company in Codat's Portal, whatever the task's state."""
    portal = f"https://app.codat.io/companies/{codat.company_id}/summary"
    page.context.route(
        "https://app.codat.io/**", lambda route: route.fulfill(body="The Portal")
    )
    page.goto(f"{STATE_RUNS}/{state}/details")
    link = page.get_by_role("link", name="Codat Portal", exact=True)
    link.wait_for()
    picture(f"link-{state}")
    with page.context.expect_page() as opened:
        link.click()
    opened.value.get_by_text("The Portal").wait_for()
    assert opened.value.url == portal


@pytest.mark.usefixtures("states")
def test_result(page: "Page", codat: LocalCodat, picture: Picture) -> None:
    """XCom shows which record the customer became."""
    from playwright.sync_api import expect  # noqa: PLC0415 - where it is installed

    (record,) = (each for each in codat.ledger() if each.name == "Larkspur finished")
    page.goto(f"{STATE_RUNS}/finished/xcom")
    page.get_by_role("button", name="Expand all extra JSON").click()
    result = page.get_by_role("row").filter(
        has=page.get_by_role("cell", name="return_value", exact=True)
    )
    expect(result).to_contain_text(json.dumps(record.record_id))
    expect(result).to_contain_text('"Success"')
    picture("xcom-result")


@pytest.mark.usefixtures("states")
def test_failed_log(page: "Page", codat: LocalCodat, picture: Picture) -> None:
    """The log of a failed task says what Codat said, what came of it, what to do."""
    from playwright.sync_api import expect  # noqa: PLC0415 - where it is installed

    page.goto(f"{STATE_RUNS}/failed")
    log = page.get_by_role("code").filter(has_text="PushFailed").last
    expect(log).to_contain_text("no record was created")
    expect(log).to_contain_text("The nominal ledger is closed.")
    assert not [each for each in secrets(codat) if each in page.content()]
    # The message, whole, without the lines of code below it.
    page.keyboard.press("w")
    log.get_by_text("PushFailed").first.click()
    picture("failed-log")
