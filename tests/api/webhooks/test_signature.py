"""The laws of whose webhooks are taken."""

import datetime as dt
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook
from webhook_signing import BODY, OTHER, SECRET, signed

from airflow_provider_codat.api.connection.signing_secrets import read_signing_secrets
from airflow_provider_codat.api.errors import Malformed, SettingsInvalid
from airflow_provider_codat.api.webhooks.diagnosis import diagnosed
from airflow_provider_codat.api.webhooks.signature import is_signed, signature_of

CODATS_OWN = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def taken(headers: dict[str, str], body: bytes = BODY, *secrets: str) -> bool:
    return is_signed(signature_of(headers), body, secrets or (SECRET,))


def test_codats_own_example() -> None:
    """The example of Codat's guide is rightly signed, and too old to be taken."""
    right, said = diagnosed(CODATS_OWN, BODY, [SECRET], now=1614265330.0)
    assert right, said
    assert not taken(CODATS_OWN)


@pytest.mark.parametrize("prefix", ["webhook-", "svix-"])
@pytest.mark.parametrize("age", [-290.0, 0.0, 290.0])
def test_taken(prefix: str, age: float) -> None:
    """What was signed by the secret within five minutes of now is taken."""
    assert taken(signed(prefix=prefix, age=age))


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (lambda: signed(secret=OTHER), BODY),
        (signed, BODY + b" "),
        (signed, b""),
        (lambda: signed(b"\xff\xfe"), b"\xff\xfe"),
        (lambda: {**signed(), "webhook-id": "msg_2"}, BODY),
        (lambda: {**signed(), "webhook-timestamp": "soon"}, BODY),
        (lambda: {**signed(), "webhook-timestamp": "nan"}, BODY),
        (lambda: {**signed(), "webhook-timestamp": "1e400"}, BODY),
        (lambda: {**signed(), "webhook-signature": "v1"}, BODY),
        (lambda: {**signed(), "webhook-signature": "v1,a"}, BODY),
        (lambda: {**signed(), "webhook-signature": "v1,"}, BODY),
        (lambda: {**signed(), "webhook-signature": "v2,g0hM9SsE"}, BODY),
    ],
)
def test_not_taken(headers: Callable[[], dict[str, str]], body: bytes) -> None:
    """Another secret, body, id or time is refused, and so is what is no signature."""
    assert not taken(headers(), body)


@pytest.mark.parametrize("age", [-400.0, 400.0])
def test_another_time(age: float) -> None:
    """What was signed more than five minutes ago, or will be, is refused."""
    assert not taken(signed(age=age))


def test_while_a_secret_is_replaced() -> None:
    """Any of several secrets will do, and any of several signatures."""
    assert taken(signed(secret=OTHER), BODY, SECRET, OTHER)
    two = signed()
    two["webhook-signature"] = f"v1,AAAA {two['webhook-signature']} v1,BBBB"
    assert taken(two)


@pytest.mark.parametrize("missing", ["id", "timestamp", "signature"])
def test_a_header_is_missing(missing: str) -> None:
    """Without one of the three headers there is no signature; names are not mixed."""
    found = signed()
    found[f"svix-{missing}"] = found.pop(f"webhook-{missing}")
    with pytest.raises(Malformed, match="webhook-id, webhook-timestamp"):
        signature_of(found)


@pytest.mark.parametrize(
    "odd",
    [
        {"webhook-id": "m" * 257},
        {"webhook-id": "msg\x1b[31m"},
        {"webhook-id": "größe"},
        {"webhook-signature": "v1," + "A" * 5000},
        {"webhook-timestamp": "1" * 40},
    ],
)
def test_odd_headers(odd: dict[str, str]) -> None:
    """Headers that are longer than any of Codat's, or no plain words, are refused."""
    with pytest.raises(Malformed):
        signature_of({**signed(), **odd})


@given(st.binary(max_size=200), st.text(max_size=60), st.text(max_size=60))
def test_never_anything_but_no(body: bytes, timestamp: str, signature: str) -> None:
    """Whatever comes, it is refused, and nothing worse happens."""
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": timestamp or "0",
        "webhook-signature": signature or "v1,",
    }
    try:
        found = signature_of(headers)
    except Malformed:
        return
    assert not is_signed(found, body, [SECRET])


def test_the_library_signs_the_same() -> None:
    """Our tests' own signature is the one of the library."""
    headers = signed()
    at = dt.datetime.fromtimestamp(int(headers["webhook-timestamp"]), dt.UTC)
    assert (
        Webhook(SECRET).sign("msg_1", at, BODY.decode()) == headers["webhook-signature"]
    )


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        f" {SECRET} ",
        f"{SECRET} {OTHER}",
        f"{SECRET},\n{OTHER}",
        [SECRET, OTHER],
        f'["{SECRET}", "{OTHER}"]',
        SECRET.removeprefix("whsec_"),
    ],
)
def test_secrets_of_a_connection(value: object) -> None:
    """One secret or several, as text or as a list, are read as they are."""
    found = read_signing_secrets(value, "webhook_signing_secrets")
    assert found[0].endswith(SECRET.removeprefix("whsec_"))
    assert all(taken(signed(secret=each), BODY, *found) for each in found)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        [],
        7,
        {},
        "[",
        "whsec_",
        "whsec_short",
        "whsec_*&^%$",
        [SECRET, None],
        "whsec_A",
        " ".join([SECRET] * 11),
    ],
)
def test_no_secrets(value: object) -> None:
    """What is no secret is refused, and not repeated."""
    with pytest.raises(SettingsInvalid, match="webhook_signing_secrets") as raised:
        read_signing_secrets(value, "webhook_signing_secrets")
    assert "&^%$" not in str(raised.value)
    assert "short" not in str(raised.value)
