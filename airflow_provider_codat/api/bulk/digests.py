"""Many digests in little memory."""

from array import array
from functools import reduce
from operator import xor

_FEWEST_SLOTS = 1024


class Digests:
    """A compact ``dict[bytes, int]`` for a hundred thousand digests and more.

    24 to 48 bytes for each digest, where a dict takes ten times as much. Open
    addressing with linear steps: a digest is its own hash.

    Keys are digests of 8 bytes; values are whole numbers from 1 to 2**32 - 1. Nothing
    is ever taken out.
    """

    def __init__(self) -> None:
        self._length = 0
        self._allot(_FEWEST_SLOTS)

    def __len__(self) -> int:
        return self._length

    def __contains__(self, digest: bytes) -> bool:
        return self.get(digest) != 0

    def get(self, digest: bytes) -> int:
        """Return the number that a digest has; 0 when it has none."""
        return self._numbers[self._slot(int.from_bytes(digest))]

    def __setitem__(self, digest: bytes, number: int) -> None:
        key = int.from_bytes(digest)
        slot = self._slot(key)
        if not self._numbers[slot]:
            self._length += 1
        self._keys[slot] = key
        self._numbers[slot] = number
        if 2 * self._length > len(self._keys):
            self._grow()

    def setdefault(self, digest: bytes, number: int) -> int:
        """Return the number that a digest has; one that has none is given this one."""
        known = self.get(digest)
        if not known:
            self[digest] = number
        return known or number

    def fingerprint(self) -> str:
        """Return what tells these digests from others, in whatever order they came."""
        return f"{reduce(xor, self._keys):016x}"

    def _allot(self, slots: int) -> None:
        """Lay out empty slots, a power of two; a number of 0 marks an empty one."""
        self._keys = array("Q", [0]) * slots
        self._numbers = array("I", [0]) * slots

    def _slot(self, key: int) -> int:
        """Return where a key stands, or would stand."""
        keys, numbers = self._keys, self._numbers
        mask = len(keys) - 1
        slot = key & mask
        while numbers[slot] and keys[slot] != key:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        keys, numbers = self._keys, self._numbers
        self._allot(2 * len(keys))
        for key, number in zip(keys, numbers, strict=True):
            if number:
                slot = self._slot(key)
                self._keys[slot] = key
                self._numbers[slot] = number
