"""Whose a push operation is: of all intents of a process, one has it."""

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container


class Claims:
    """Push operations that belong to an intent.

    :ivar records: ids of records that belong to one, whatever made them.
    """

    def __init__(self) -> None:
        self.records: Container[str | None] = ()
        self._owners: dict[str, str] = {}
        self._claiming = threading.Lock()

    def claim(self, key: str, owner: str) -> bool:
        """Take a push operation for an intent's own; no other one then can.

        :param key: of the push operation.
        :param owner: names the intent.
        """
        with self._claiming:
            return self._owners.setdefault(key, owner) == owner

    def is_free(self, key: str, owner: str) -> bool:
        """Whether no other intent has taken a push operation."""
        return self._owners.get(key, owner) == owner


CLAIMS = Claims()
"""The claims of this process."""
