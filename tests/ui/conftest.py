"""Airflow's web page in a real browser, beside a local Codat.

With CODAT_UI_SCREENSHOTS in the environment, the tests leave the pictures of
``docs/ui.md`` in the folder of that name.
"""

import itertools
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest

from airflow_provider_codat.simulator import LocalCodat

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("CODAT_UI_CHROMIUM") or shutil.which("chromium")
PATIENCE_MILLISECONDS = 300_000
PENDING_SECONDS = 3000
DAG_SECONDS = 900
CUSTOMERS = 6
RUN_ID = "demonstration"
# What a picture need not show: when it was taken.
UNDATED = "time { visibility: hidden }"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the page showed when a test failed."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.failed and call.when == "call" and page is not None:
        name = re.sub(r"\W+", "-", item.name)
        path = item.config.rootpath / ".ui" / "failed" / f"{name}.png"
        page.screenshot(path=path)
        report.longrepr.addsection(
            f"{page.url} ({path})", page.locator("body").inner_text()
        )
    return report


@pytest.fixture(scope="session")
def codat() -> Iterator[LocalCodat]:
    """Run a local Codat that keeps some customers waiting, and refuses one."""
    with LocalCodat(settle_seconds=0.5) as codat:
        for state in ("running", "deferred"):
            codat.order(
                "stay_pending", customer=f"Larkspur {state}", seconds=PENDING_SECONDS
            )
        codat.order(
            "fail",
            customer="Larkspur failed",
            message="The nominal ledger is closed.",
        )
        yield codat


@pytest.fixture(scope="session")
def airflow(
    codat: LocalCodat, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Run an Airflow with our example DAGs, some of them under way."""
    dags = tmp_path_factory.mktemp("dags")
    shutil.copytree(ROOT / "dags", dags, dirs_exist_ok=True)
    shutil.copytree(Path(__file__).parent / "dags", dags, dirs_exist_ok=True)
    with (dags / "data" / "customers.csv").open(encoding="utf-8") as file:
        few = "".join(itertools.islice(file, CUSTOMERS + 1))
    (dags / "data" / "few.csv").write_text(few, encoding="utf-8")
    env = {
        "CODAT_COMPANY_ID": codat.company_id,
        "CODAT_CONNECTION_ID": codat.connection_id,
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        from local_airflow import LocalAirflow  # noqa: PLC0415 - found by the line above

        with LocalAirflow(tmp_path_factory.mktemp("airflow"), dags, env) as airflow:
            store(airflow, "codat_default", codat.url, codat.api_key)
            start(airflow, "states")
            start(
                airflow,
                "codat_create_customers_from_csv",
                csv_path=str(dags / "data" / "few.csv"),
            )
            yield airflow
    del sys.modules["local_airflow"]


def store(airflow: Any, connection_id: str, url: str, key: str) -> None:  # noqa: ANN401 - scripts/local_airflow.py
    """Store a connection with a port: without, Airflow 3.3.2 does not test it."""
    host, _, port = url.rpartition(":")
    body = {
        "connection_id": connection_id,
        "conn_type": "codat",
        "host": host,
        "port": int(port),
        "password": key,
    }
    airflow.ask("POST", "/api/v2/connections", body)


@pytest.fixture
def connect(airflow: Any) -> Iterator[Callable[[str, str, str], None]]:  # noqa: ANN401 - scripts/local_airflow.py
    """Store a connection of some id, URL and key; all but the first go afterwards."""
    yield partial(store, airflow)
    path = "/api/v2/connections"
    for each in airflow.ask("GET", path)["connections"]:
        if each["connection_id"] != "codat_default":
            airflow.ask("DELETE", f"{path}/{each['connection_id']}")


def start(airflow: Any, dag_id: str, **conf: str) -> None:  # noqa: ANN401 - scripts/local_airflow.py
    """Start a DAG run of a name that is the same in every picture."""
    body = {"logical_date": None, "dag_run_id": RUN_ID, "conf": conf}
    deadline = time.monotonic() + DAG_SECONDS
    while True:
        try:
            airflow.ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)
        except HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND or time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Run Debian's Chromium."""
    api = pytest.importorskip(
        "playwright.sync_api",
        reason="needs playwright: pip install 'airflow-provider-codat[ui]'",
    )
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium, or CODAT_UI_CHROMIUM")
    api.expect.set_options(timeout=PATIENCE_MILLISECONDS)
    # Chromium has no sandbox for root.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "Browser", airflow: Any) -> Iterator["Page"]:  # noqa: ANN401 - scripts/local_airflow.py
    """Open a window on Airflow's page; every path is below its address."""
    with browser.new_context(
        base_url=airflow.url,
        viewport={"width": 1280, "height": 800},
        locale="en-GB",
        timezone_id="UTC",
        reduced_motion="reduce",
        permissions=["clipboard-read", "clipboard-write"],
    ) as context:
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        yield context.new_page()


@pytest.fixture
def picture(page: "Page") -> Callable[[str], None]:
    """Return what takes a picture for the docs, where pictures are wanted."""
    folder = os.environ.get("CODAT_UI_SCREENSHOTS")

    def take(name: str) -> None:
        if folder:
            path = ROOT / folder / f"{name}.png"
            page.screenshot(path=path, style=UNDATED, animations="disabled")

    return take
