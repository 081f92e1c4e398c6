"""The laws of whose secrets are looked up, how often, and what a person is told."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from webhook_signing import OTHER, SECRET, signed

from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.webhooks.__main__ import main
from airflow_provider_codat.webhooks.endpoints import (
    REMEMBERED_SECONDS,
    Endpoints,
    signing_secrets,
)

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
EVENT = {
    "eventType": "customers.write.successful",
    "payload": {"referenceCompany": {"id": COMPANY}, "status": "Success"},
}
BODY = json.dumps(EVENT, separators=(",", ":")).encode()


class Asked:
    """Counts what is looked up, by a clock that a test moves."""

    def __init__(self) -> None:
        self.secrets: dict[str, tuple[str, ...]] = {"codat": (SECRET,)}
        self.asked: list[str] = []
        self.now = 1000.0
        self.endpoints = Endpoints(self._look_up, lambda: self.now)

    def _look_up(self, name: str) -> tuple[str, ...]:
        self.asked.append(name)
        return self.secrets.get(name, ())

    def ask(self, name: str) -> tuple[str, ...]:
        known = self.endpoints.remembered(name)
        return self.endpoints.look_up(name) if known is None else known


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_remembered(asked: Asked) -> None:
    """What a connection has is looked up once in 30 seconds, and then anew."""
    assert [asked.ask("codat") for _ in range(100)] == [(SECRET,)] * 100
    assert asked.asked == ["codat"]
    asked.secrets["codat"] = (SECRET, OTHER)
    asked.now += REMEMBERED_SECONDS
    assert asked.ask("codat") == (SECRET, OTHER)


def test_a_flood_of_names(asked: Asked) -> None:
    """Names that there are not are looked up 60 times a minute at most.

    The one that there is stays known meanwhile, and a new one is found in the next.
    """
    asked.ask("codat")
    for number in range(10_000):
        assert asked.ask(f"junk{number}") == ()
        asked.now += 0.001
    assert len(asked.asked) <= 121
    asked.now += REMEMBERED_SECONDS
    asked.secrets["new"] = (OTHER,)
    assert asked.ask("codat") == (SECRET,)
    asked.now += 60
    assert asked.ask("new") == (OTHER,)


def test_what_is_forgotten_first(asked: Asked) -> None:
    """Of many names that were looked up, those without secrets are forgotten first."""
    asked.ask("codat")
    for number in range(3000):
        asked.now += 1.1
        asked.ask(f"junk{number}")
        asked.ask("codat")
    before = len(asked.asked)
    asked.ask("codat")
    assert len(asked.asked) == before


def connection(**fields: object) -> str:
    return json.dumps({"conn_type": "codat", **fields})


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (connection(extra={"webhook_signing_secrets": SECRET}), (SECRET,)),
        (
            connection(extra={"webhook_signing_secrets": [SECRET, OTHER]}),
            (SECRET, OTHER),
        ),
        (connection(extra={"webhook_signing_secrets": ""}), ()),
        (connection(extra={}), ()),
        (connection(conn_type="http", extra={"webhook_signing_secrets": SECRET}), ()),
    ],
)
def test_of_a_connection(
    value: str, found: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The secrets are those of a Codat connection's extra, and of no other kind's."""
    monkeypatch.setenv("AIRFLOW_CONN_HOOKED", value)
    assert signing_secrets("hooked") == found


def test_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that is none is an error that names the extra."""
    value = connection(extra={"webhook_signing_secrets": "whsec_?"})
    monkeypatch.setenv("AIRFLOW_CONN_HOOKED", value)
    with pytest.raises(SettingsInvalid, match="webhook_signing_secrets"):
        signing_secrets("hooked")


Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Check:
    """Run the command on a body and its headers; return exit code and words."""
    value = connection(extra={"webhook_signing_secrets": SECRET})
    monkeypatch.setenv("AIRFLOW_CONN_HOOKED", value)

    def do(
        body: bytes, headers: dict[str, str], *options: str, conn_id: str = "hooked"
    ) -> tuple[int, str]:
        (tmp_path / "event.json").write_bytes(body)
        lines = [f"{name.title()}: {each}\r\n" for name, each in headers.items()]
        (tmp_path / "headers").write_text("".join(lines))
        files = ["--file", str(tmp_path / "event.json")]
        files += ["--headers", str(tmp_path / "headers"), "--conn-id", conn_id]
        code = main(["check", *files, *options])
        said = capsys.readouterr()
        return code, said.out + said.err

    return do


def test_check_right(check: Check) -> None:
    """What would be taken ends with 0, and names the asset that it is of."""
    code, words = check(BODY, signed(BODY))
    assert (code, SECRET in words) == (0, False)
    assert "Secret 1 of 1 has signed this body" in words
    assert f"starts DAGs scheduled on codat://companies/{COMPANY}/customers" in words


def test_check_wrong(check: Check) -> None:
    """What would be refused ends with 1, and why."""
    code, words = check(BODY + b"\n", signed(BODY))
    assert code == 1
    assert "without what stands around it" in words
    code, words = check(b"{}", signed(b"{}"))
    assert code == 1
    assert "names no event type" in words


def test_check_an_old_one(check: Check) -> None:
    """One that was saved is right as of the moment when it arrived."""
    old = signed(BODY, age=86_400)
    assert check(BODY, old)[0] == 1
    at = dt.datetime.fromtimestamp(int(old["webhook-timestamp"]), dt.UTC)
    assert check(BODY, old, "--arrived-at", at.isoformat())[0] == 0


def test_check_what_cannot_be_told(check: Check, tmp_path: Path) -> None:
    """A connection without secrets, or a file that is none, ends with 2."""
    code, words = check(BODY, signed(BODY), conn_id="nobody")
    assert code == 2
    assert "nobody takes no webhooks" in words
    code, words = check(b" " * 300_000, signed(BODY))
    assert code == 2
    assert "262,144 bytes" in words
    missing = str(tmp_path / "missing")
    assert main(["check", "--file", missing]) == 2
