"""What a watcher has told last, remembered beside its asset."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from airflow_provider_codat.api.http.response import epoch_of
from airflow_provider_codat.api.models import Json
from airflow_provider_codat.api.words import printable


class Store(Protocol):
    """Airflow's asset state store, of one asset."""

    async def aget(self, key: str) -> Any:  # noqa: ANN401 - any JSON
        """Return a value; None where there is none."""

    async def aset(self, key: str, value: str) -> None:
        """Write a value."""


class Watermarks:
    """The last successful sync of each data type, as it was told.

    :param stores: each remembers the same; without any, nothing is remembered, and what
        is found first is told.
    """

    def __init__(
        self, stores: Sequence[Store], company_id: str, data_types: Sequence[str]
    ) -> None:
        self._stores = stores
        self._company_id = company_id
        self._data_types = data_types
        self._told: dict[str, str] = {} if stores else dict.fromkeys(data_types, "")
        self._unwritten: dict[str, str] = {}

    async def load(self) -> None:
        """Read what was told before, unless that was read."""
        for name in self._data_types:
            for store in self._stores if name not in self._told else ():
                if (found := await store.aget(self._key(name))) is not None:
                    self._told[name] = str(found)
                    break

    def moved(
        self, status: Mapping[str, Mapping[str, Json]]
    ) -> Iterator[tuple[str, str]]:
        """Yield each data type that was read anew since it was told, and when."""
        for name in self._data_types:
            found = status.get(name, {}).get("lastSuccessfulSync")
            moment = printable(found) if isinstance(found, str) else ""
            before = self._told.get(name)
            if before is None:
                # Nobody has watched before: this is how things stand.
                self._told[name] = self._unwritten[name] = moment
            elif (epoch_of(moment) or 0.0) > (epoch_of(before) or 0.0):
                self._told[name] = self._unwritten[name] = moment
                yield name, moment

    async def keep(self, after_seconds: float) -> None:
        """Remember what was told.

        :param after_seconds: for how long Airflow may take to write an event down. One
            that is remembered and was not written would be told to nobody.
        """
        if not self._stores or not self._unwritten:
            return
        await asyncio.sleep(after_seconds)
        for name, moment in list(self._unwritten.items()):
            for store in self._stores:
                await store.aset(self._key(name), moment)
            del self._unwritten[name]

    def _key(self, data_type: str) -> str:
        return f"codat_last_sync_{self._company_id}_{data_type}"
