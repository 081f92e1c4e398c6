"""The secrets by which Codat's webhooks are known."""

import base64
import binascii
import json
import re

from airflow_provider_codat.api.errors import SettingsInvalid

_SECRET = re.compile(r"(?:whsec_)?([A-Za-z0-9+/]+={0,2})")
_SHORTEST_BYTES = 16
_MOST = 10


def read_signing_secrets(value: object, name: str) -> tuple[str, ...]:
    """Return the secrets of an extra: a list, or a text with blanks between them.

    There are several while an endpoint's secret is replaced by another.

    :raises SettingsInvalid: when one of them is none; it is not repeated.
    """
    if isinstance(value, str):
        listed = value.lstrip().startswith("[")
        try:
            value = json.loads(value) if listed else re.split(r"[\s,]+", value.strip())
        except ValueError:
            value = None
    if not isinstance(value, list | tuple) or not 0 < len(value) <= _MOST:
        raise SettingsInvalid(f"{name} must be 1 to {_MOST} signing secrets")
    for number, secret in enumerate(value, 1):
        if not _is_secret(secret):
            raise SettingsInvalid(
                f"{name}: secret {number} is no signing secret such as "
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw; copy it from the endpoint's "
                "page in Codat's Portal"
            )
    return tuple(value)


def _is_secret(value: object) -> bool:
    found = _SECRET.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return False
    try:
        # Codat's come padded; a pad too many does no harm.
        key = base64.b64decode(found[1] + "==")
    except binascii.Error:
        return False
    return len(key) >= _SHORTEST_BYTES
