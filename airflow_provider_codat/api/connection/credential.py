"""The credential: what a user holds, told apart, and the header it becomes.

Codat's scheme is ``Authorization: Basic base64(API key)``: the key alone, with no
user name and no colon. The Portal shows the key and the ready header side by side,
and people copy either one.
Source: https://docs.codat.io/using-the-api/authentication
"""

import base64
import binascii
import re
from dataclasses import dataclass

from airflow_provider_codat.api.errors import SettingsInvalid

FORMATS = ("auto", "raw", "encoded", "header")

_DECODED_KEY = re.compile(rb"[A-Za-z0-9_-]{16,}:?")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_FIELD_NAME = re.compile(r"^authorization\s*:", re.IGNORECASE)
_SCHEME = re.compile(r"basic(\s+|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """A credential, ready to be sent.

    :param header: the value of the ``Authorization`` header.
    :param secrets: every spelling of it that must not reach a log.
    """

    header: str
    secrets: tuple[str, ...]


def read_credential(text: str | None, auth_format: str = "auto") -> Credential:
    """Make the ``Authorization`` header of whatever the user pasted.

    :param text: the raw API key, the pre-encoded key, or the whole header, with or
        without the words ``Authorization:`` and ``Basic`` before it.
    :param auth_format: ``auto`` tells them apart: what starts with ``Basic`` is the
        header; what decodes, as Base64, to the text of a key is pre-encoded; the
        rest is raw. (That something *can* be decoded proves nothing: a raw key of
        40 letters and digits is valid Base64, too.) ``raw``, ``encoded`` and
        ``header`` overrule.
    :raises SettingsInvalid: when there is no key, or it cannot stand in a header.
    """
    if auth_format not in FORMATS:
        raise SettingsInvalid(
            f"auth_format must be one of {', '.join(FORMATS)} (extra of the connection)"
        )
    given = (text or "").strip()
    if not given:
        raise SettingsInvalid(
            "the password field of the Codat connection is empty: paste the API key, "
            "or the authorization header, from Codat's Portal "
            "(Developers > API keys)"
        )
    token = _token(_FIELD_NAME.sub("", given, count=1).strip(), auth_format)
    header = f"Basic {token}"
    decoded = _decoded(token).rstrip(b":").decode("ascii", "ignore")
    spellings = dict.fromkeys((given, decoded, token, header))
    return Credential(header=header, secrets=tuple(filter(None, spellings)))


def _token(text: str, auth_format: str) -> str:
    """Return what follows ``Basic`` in the header."""
    scheme = _SCHEME.match(text) if auth_format in {"auto", "header"} else None
    if auth_format == "header" and scheme is None:
        raise SettingsInvalid(
            "auth_format is 'header', but the password field does not start with "
            "'Basic '"
        )
    key = text[scheme.end() :] if scheme else text
    if not _VISIBLE.fullmatch(key):
        raise SettingsInvalid(
            "the password field of the Codat connection must hold one key, of plain "
            "ASCII characters without spaces or line breaks"
        )
    if scheme or _is_encoded(key, auth_format):
        return key
    return base64.b64encode(key.encode("ascii")).decode("ascii")


def _is_encoded(key: str, auth_format: str) -> bool:
    """Whether a key without ``Basic`` before it is encoded already."""
    if auth_format == "auto":
        return _DECODED_KEY.fullmatch(_decoded(key)) is not None
    return auth_format == "encoded"


def _decoded(token: str) -> bytes:
    """Return the bytes behind a Base64 text; none when it is not one."""
    try:
        return base64.b64decode(token, validate=True)
    except binascii.Error:
        return b""
