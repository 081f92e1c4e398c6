"""The laws of telling apart what people paste into the password field."""

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.connection.credential import (
    FORMATS,
    Credential,
    read_credential,
)
from airflow_provider_codat.api.errors import SettingsInvalid

# Forty letters and digits are valid Base64 themselves: they decode to 30 bytes.
KEY = "bJdfN3UrP6zQmY8vT1xK5sWc0LhG7aEoR9iBt2Vq"
ENCODED = base64.b64encode(KEY.encode()).decode()
HEADER = f"Basic {ENCODED}"
SPELLINGS = {
    "the raw key": KEY,
    "the encoded key": ENCODED,
    "the header": HEADER,
    "the header in lower case": f"basic {ENCODED}",
    "the header in upper case": f"BASIC {ENCODED}",
    "the header with a tab": f"Basic\t{ENCODED}",
    "the header with many spaces": f"Basic    {ENCODED}",
    "name and header": f"Authorization: Basic {ENCODED}",
    "name and header, odd spacing": f"  authorization :basic   {ENCODED}  ",
    "name and encoded key": f"Authorization: {ENCODED}",
    "name and raw key": f"AUTHORIZATION:{KEY}",
    "white space around": f"\n\t {KEY} \r\n",
}
keys = st.text(string.ascii_letters + string.digits, min_size=40, max_size=40)


@pytest.mark.parametrize("pasted", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_gives_the_same_header(pasted: str) -> None:
    """Whatever of the Portal's columns is pasted, the same header is sent."""
    assert read_credential(pasted).header == HEADER


@given(keys)
def test_a_raw_key_is_encoded_once(key: str) -> None:
    """Forty letters and digits are a raw key, though they are valid Base64."""
    encoded = base64.b64encode(key.encode()).decode()
    pasted = (key, encoded, f"Basic {encoded}", f"Authorization: Basic {encoded}")
    assert {read_credential(text).header for text in pasted} == {f"Basic {encoded}"}


def test_a_key_that_was_encoded_with_a_colon_is_taken_as_it_is() -> None:
    """What an HTTP library made of key and empty password counts as encoded."""
    encoded = base64.b64encode(f"{KEY}:".encode()).decode()
    read = read_credential(encoded)
    assert read.header == f"Basic {encoded}"
    assert KEY in read.secrets


@pytest.mark.parametrize(
    ("pasted", "auth_format", "header"),
    [
        pytest.param(KEY, "raw", HEADER, id="raw"),
        pytest.param(
            ENCODED,
            "raw",
            f"Basic {base64.b64encode(ENCODED.encode()).decode()}",
            id="a raw key that looks encoded",
        ),
        pytest.param(ENCODED, "encoded", HEADER, id="encoded"),
        pytest.param(
            KEY, "encoded", f"Basic {KEY}", id="an encoded key that looks raw"
        ),
        pytest.param("a,b", "encoded", "Basic a,b", id="what is no Base64 at all"),
        pytest.param(HEADER, "header", HEADER, id="header"),
        pytest.param(
            f"Authorization: {HEADER}", "header", HEADER, id="header with its name"
        ),
    ],
)
def test_the_extra_overrules(pasted: str, auth_format: str, header: str) -> None:
    """auth_format, where given, says what was pasted, whatever it looks like."""
    assert read_credential(pasted, auth_format).header == header


@pytest.mark.parametrize("auth_format", FORMATS)
@pytest.mark.parametrize("pasted", [None, "", "  \n"], ids=["none", "empty", "spaces"])
def test_an_empty_key_says_where_to_find_one(
    pasted: str | None, auth_format: str
) -> None:
    """Without a key the message names the field and the page of the Portal."""
    with pytest.raises(SettingsInvalid, match=r"password field.*Developers > API keys"):
        read_credential(pasted, auth_format)


@pytest.mark.parametrize(
    ("pasted", "auth_format"),
    [
        pytest.param(f"{KEY}\n{KEY}", "auto", id="two lines"),
        pytest.param(f"{HEADER}\r\nX-Other: 1", "auto", id="a header smuggled in"),
        pytest.param(f"Basic {ENCODED} {ENCODED}", "auto", id="two tokens"),
        pytest.param(f"{KEY} {KEY}", "raw", id="a space"),
        pytest.param(HEADER, "raw", id="a header called raw"),
        pytest.param(HEADER, "encoded", id="a header called encoded"),
        pytest.param(f"{KEY}é", "auto", id="not ASCII"),
        pytest.param(f"{KEY}\x00", "auto", id="a control character"),
        pytest.param(f"Bearer {KEY}", "auto", id="another scheme"),
        pytest.param("Basic", "auto", id="a scheme without a key"),
        pytest.param("Authorization: Basic ", "auto", id="a name without a key"),
        pytest.param("Authorization:", "auto", id="a name alone"),
        pytest.param(KEY, "header", id="a key called header"),
        pytest.param(KEY, "base64", id="a format that is none"),
    ],
)
def test_a_key_that_cannot_be_sent_is_refused_unquoted(
    pasted: str, auth_format: str
) -> None:
    """What cannot stand in a header is refused; the message never quotes the key."""
    with pytest.raises(SettingsInvalid) as refused:
        read_credential(pasted, auth_format)
    assert KEY not in str(refused.value)
    assert ENCODED not in str(refused.value)


@pytest.mark.parametrize("pasted", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_is_a_secret(pasted: str) -> None:
    """Key, encoded key, header and what was pasted are all there to be masked."""
    assert {KEY, ENCODED, HEADER, pasted.strip()} <= set(
        read_credential(pasted).secrets
    )


def test_a_credential_does_not_show_itself() -> None:
    """The representation of a credential, as a debugger prints it, tells nothing."""
    shown = repr(Credential(header=HEADER, secrets=(KEY,)))
    assert KEY not in shown
    assert ENCODED not in shown
