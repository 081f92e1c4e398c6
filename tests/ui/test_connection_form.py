"""The connection's form, as somebody fills it in who has only a browser."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_codat.api.connection.settings import EXTRAS
from airflow_provider_codat.get_provider_info import get_provider_info
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.settings import WEBHOOK_SECRET

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Connect = Callable[[str, str, str], None]
Picture = Callable[[str], None]

pytestmark = [pytest.mark.slow, pytest.mark.ui]

(TYPE,) = get_provider_info()["connection-types"]
FIELDS = TYPE["conn-fields"]
STANDARD = TYPE["ui-field-behaviour"]
# Nobody listens on the port "discard".
DEAD = "http://127.0.0.1:9"
FILLED = {
    "auth_format": "raw",
    "connect_timeout_seconds": 11,
    "read_timeout_seconds": 31,
    "retry_budget_seconds": 121,
    "request_lifetime_seconds": 601,
    "requests_per_minute": 901,
    "max_concurrency": 9,
    "pool_slots": 8,
    "shared_pace_url": "redis://:invented@redis.example/1",
    "max_response_bytes": 1000000,
    "webhook_signing_secrets": WEBHOOK_SECRET,
    "client_certificate_path": "/etc/codat/certificate.pem",
    "client_key_path": "/etc/codat/key.pem",
    "client_id": "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5c01",
    "verify": "/etc/codat/authorities.pem",
    "headers": {"X-Gateway": "blue"},
    "portal_url_template": "https://portal.example/{company_id}",
    "allow_insecure_http": True,
}


def opened(page: "Page") -> "Locator":
    """Open the form of a new Codat connection."""
    page.goto("/connections")
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Connection Type").click()
    page.get_by_role("option", name="Codat", exact=True).click()
    return form


def field(form: "Locator", name: str) -> "Locator":
    """Return an extra with its label, its input and its help text."""
    label = form.page.get_by_text(FIELDS[name]["label"], exact=True)
    return form.get_by_role("group").filter(has=label)


def fill(page: "Page", form: "Locator", name: str, value: object) -> None:
    """Fill in an extra as a person does."""
    inputs = field(form, name)
    if "enum" in FIELDS[name]["schema"]:
        inputs.get_by_role("combobox").click()
        page.get_by_role("option", name=str(value), exact=True).click()
    elif value is True:
        inputs.locator("label").last.click()
    elif isinstance(value, dict):
        inputs.get_by_role("code").click()
        # Pasted: the editor completes and reformats what is typed.
        page.evaluate("text => navigator.clipboard.writeText(text)", json.dumps(value))
        page.keyboard.press("Control+A")
        page.keyboard.press("Control+V")
    elif FIELDS[name]["schema"].get("format") == "password":
        inputs.locator("input").fill(str(value))
    elif isinstance(value, int):
        inputs.get_by_role("spinbutton").fill(str(value))
    else:
        inputs.get_by_role("textbox").fill(str(value))


def row(page: "Page", connection_id: str) -> "Locator":
    """Return a connection's line in the list."""
    cell = page.get_by_role("cell", name=connection_id, exact=True)
    return page.get_by_role("row").filter(has=cell)


def save(page: "Page", form: "Locator", connection_id: str) -> None:
    """Save a new connection, and wait until it is listed."""
    form.get_by_role("button", name="Save").click()
    row(page, connection_id).wait_for()


def stored(airflow: Any, connection_id: str) -> dict[str, Any]:  # noqa: ANN401 - scripts/local_airflow.py
    found: dict[str, Any] = airflow.ask("GET", f"/api/v2/connections/{connection_id}")
    return found


def answer_of_test(page: "Page", connection_id: str) -> str:
    """Press Test; return what is answered."""
    row(page, connection_id).get_by_role("button", name="Test Connection").click()
    toast = page.get_by_role("status").filter(has_text="Test Connection")
    toast.wait_for()
    return toast.inner_text()


def test_standard_fields(page: "Page", picture: Picture) -> None:
    """The form asks for an API key and a base URL, in Codat's words, and no login."""
    from playwright.sync_api import expect  # noqa: PLC0415 - where it is installed

    form = opened(page)
    for name, label in STANDARD["relabeling"].items():
        expect(form.get_by_label(label, exact=True)).to_have_attribute(
            "placeholder", STANDARD["placeholders"][name]
        )
    shown = form.get_by_role("region", name="Standard Fields").inner_text()
    assert not {"Login", "Host", "Password", "Schema"} & set(shown.splitlines())
    picture("connection-form")


def test_extras_are_explained(page: "Page", picture: Picture) -> None:
    """Every extra that the settings know has its label and its help in the form."""
    from playwright.sync_api import expect  # noqa: PLC0415 - where it is installed

    form = opened(page)
    form.get_by_role("button", name="Extra Fields", exact=True).click()
    for name in EXTRAS:
        expect(field(form, name)).to_contain_text(FIELDS[name]["description"])
    picture("connection-extras")


@pytest.mark.usefixtures("connect")
def test_form_is_stored(
    page: "Page",
    airflow: Any,  # noqa: ANN401 - scripts/local_airflow.py
    codat: LocalCodat,
    picture: Picture,
) -> None:
    """What the form was given is what Airflow keeps; the key is not shown again."""
    form = opened(page)
    form.get_by_label("Connection ID").fill("by_form")
    form.get_by_label("Base URL").fill(codat.url)
    form.get_by_label("API key", exact=True).fill(codat.api_key)
    form.get_by_role("button", name="Extra Fields", exact=True).click()
    for name, value in FILLED.items():
        fill(page, form, name, value)
    save(page, form, "by_form")

    connection = stored(airflow, "by_form")
    assert connection["conn_type"] == "codat"
    assert connection["host"] == codat.url
    masked = {"webhook_signing_secrets": "***"}
    assert json.loads(connection["extra"]) == FILLED | masked
    assert set(FILLED) == set(EXTRAS)

    row(page, "by_form").get_by_role("button", name="Edit Connection").click()
    form.get_by_role("button", name="Show value").click()
    assert form.get_by_label("API key", exact=True).input_value() == "***"
    assert codat.api_key not in page.content()
    picture("connection-edit")


def test_editing_keeps_the_key(
    page: "Page",
    airflow: Any,  # noqa: ANN401 - scripts/local_airflow.py
    codat: LocalCodat,
    connect: Connect,
) -> None:
    """Who edits a connection need not paste the key again."""
    connect("edited", codat.url, codat.api_key)
    page.goto("/connections")
    row(page, "edited").get_by_role("button", name="Edit Connection").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Description").fill("The books of Larkspur")
    form.get_by_role("button", name="Save").click()
    form.wait_for(state="hidden")
    assert stored(airflow, "edited")["description"] == "The books of Larkspur"
    assert "Codat accepted the API key" in answer_of_test(page, "edited")


def test_right_key(
    page: "Page", codat: LocalCodat, connect: Connect, picture: Picture
) -> None:
    """Test says that Codat accepted the key, and where."""
    connect("right_key", codat.url, codat.api_key)
    page.goto("/connections")
    assert f"Codat accepted the API key at {codat.url}" in answer_of_test(
        page, "right_key"
    )
    picture("test-right-key")


def test_wrong_key(
    page: "Page", codat: LocalCodat, connect: Connect, picture: Picture
) -> None:
    """Test says that Codat refused the key, and does not show it."""
    connect("wrong_key", codat.url, "NotTheKeyOfAnybody")
    page.goto("/connections")
    answer = answer_of_test(page, "wrong_key")
    assert "Codat refused the API key" in answer
    assert "NotTheKeyOfAnybody" not in page.content()
    picture("test-wrong-key")


def test_dead_host(page: "Page", connect: Connect, picture: Picture) -> None:
    """Test says which host could not be reached."""
    connect("dead_host", DEAD, "k" * 40)
    page.goto("/connections")
    assert f"{DEAD} could not be reached" in answer_of_test(page, "dead_host")
    picture("test-dead-host")


@pytest.mark.usefixtures("connect")
@pytest.mark.xfail(
    reason="Airflow 3.3.2 sends port 0: https://github.com/apache/airflow/pull/73298",
)
def test_without_a_port(
    page: "Page",
    airflow: Any,  # noqa: ANN401 - scripts/local_airflow.py
    codat: LocalCodat,
) -> None:
    """A connection without a port can be tested; when it can, the docs can say so."""
    connection = {
        "connection_id": "no_port",
        "conn_type": "codat",
        "host": codat.url,
        "password": codat.api_key,
    }
    airflow.ask("POST", "/api/v2/connections", connection)
    page.goto("/connections")
    assert "Codat accepted the API key" in answer_of_test(page, "no_port")
