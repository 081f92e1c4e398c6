"""Webhooks signed as the standard says, by nothing of ours."""

import base64
import hashlib
import hmac
import time

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"another secret of 24 by.").decode()
BODY = b'{"test": 2432232314}'


def signed(
    body: bytes = BODY,
    secret: str = SECRET,
    prefix: str = "webhook-",
    age: float = 0.0,
) -> dict[str, str]:
    """Return the headers that sign a body.

    :param age: seconds since it was signed.
    """
    at = str(int(time.time() - age))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"msg_1.{at}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {
        f"{prefix}id": "msg_1",
        f"{prefix}timestamp": at,
        f"{prefix}signature": signature,
    }
