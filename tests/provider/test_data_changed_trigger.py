"""The laws of an asset's watcher, against a local Codat, in one event loop."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
import requests

from airflow_provider_codat.simulator import API_KEY, LocalCodat
from airflow_provider_codat.simulator.world import authorization

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
if AIRFLOW < (3,):
    pytest.skip("Airflow 2 has no watchers", allow_module_level=True)

from airflow_provider_codat.triggers.data_changed import CodatDataChangedTrigger  # noqa: E402 - Airflow 2 cannot
from airflow_provider_codat.triggers.watermarks import Watermarks  # noqa: E402 - the same

SECONDS = 1.0


class MemoryStore:
    """What Airflow keeps beside an asset, in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def aget(self, key: str) -> Any:  # noqa: ANN401 - as in Airflow
        return self.kept.get(key)

    async def aset(self, key: str, value: str) -> None:
        self.kept[key] = value


class Stores:
    """How Airflow hands them to a trigger."""

    def __init__(self, *stores: MemoryStore) -> None:
        self._by_name = {str(n): store for n, store in enumerate(stores)}
        self._by_uri: dict[str, MemoryStore] = {}


@pytest.fixture
def codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    return start_codat(refresh_seconds=0)


def trigger(
    codat: LocalCodat, *data_types: str, stores: Stores | None = None
) -> CodatDataChangedTrigger:
    made = CodatDataChangedTrigger(
        company_id=codat.company_id,
        data_types=data_types or ["customers"],
        poll_interval_seconds=SECONDS,
    )
    made.asset_state_store = stores
    return made


def refresh(codat: LocalCodat, data_type: str = "customers") -> None:
    url = f"{codat.url}/companies/{codat.company_id}/data/queue/{data_type}"
    headers = {"Authorization": authorization(API_KEY)}
    requests.post(url, headers=headers, timeout=60).raise_for_status()


def looks(codat: LocalCodat) -> int:
    return codat.traffic().by_route.get("data_status", 0)


async def watched(
    codat: LocalCodat, *triggers: CodatDataChangedTrigger, then: Callable[[], None]
) -> Counter[str]:
    """Let triggers run, change something, let them run on; count what was told."""
    told: Counter[str] = Counter()

    async def run(each: CodatDataChangedTrigger) -> None:
        async for event in each.run():
            assert event.payload["codat_company_id"] == codat.company_id
            told[event.payload["data_type"]] += 1

    async def until_looked_at(count: int) -> None:
        begun = await asyncio.to_thread(looks, codat)
        while await asyncio.to_thread(looks, codat) < begun + count:  # noqa: ASYNC110 - Codat is in another thread
            await asyncio.sleep(0.05)

    tasks = [asyncio.create_task(run(each)) for each in triggers]
    await until_looked_at(2)
    await asyncio.to_thread(then)
    await until_looked_at(3)
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended
    return told


def test_told_once(codat: LocalCodat) -> None:
    """What is read anew is told once, and of what is watched alone."""

    def both() -> None:
        refresh(codat)
        refresh(codat, "bills")

    found = trigger(codat, "customers", "invoices", stores=Stores(MemoryStore()))
    assert asyncio.run(watched(codat, found, then=both)) == {"customers": 1}


def test_remembered(codat: LocalCodat) -> None:
    """What came while nobody watched is told; what was told before is not."""
    stores = Stores(MemoryStore(), MemoryStore())
    refresh(codat)
    first = trigger(codat, stores=stores)
    assert not asyncio.run(watched(codat, first, then=lambda: None))
    refresh(codat)
    second = trigger(codat, stores=stores)
    assert asyncio.run(watched(codat, second, then=lambda: None)) == {"customers": 1}
    third = trigger(codat, stores=stores)
    assert not asyncio.run(watched(codat, third, then=lambda: None))


def test_not_remembered(codat: LocalCodat) -> None:
    """Without a store each start tells how things stand."""
    refresh(codat)
    for _ in range(2):
        found = watched(codat, trigger(codat), then=lambda: None)
        assert asyncio.run(found) == {"customers": 1}


def test_many_share_one_look(codat: LocalCodat) -> None:
    """Twenty watchers of a company ask once in each interval."""
    triggers = [trigger(codat) for _ in range(20)]
    begun = time.monotonic()
    asyncio.run(watched(codat, *triggers, then=lambda: None))
    intervals = (time.monotonic() - begun) / SECONDS
    assert looks(codat) <= intervals + 2


def test_an_outage(codat: LocalCodat) -> None:
    """What cannot be read is read later; the watcher goes on."""
    codat.order("gateway_error_before_commit", route="data_status", skip=1)
    codat.order("junk_body", route="data_status", skip=1)
    found = trigger(codat, stores=Stores(MemoryStore()))
    told = asyncio.run(watched(codat, found, then=lambda: refresh(codat)))
    assert told == {"customers": 1}


def test_an_outage_at_the_start(codat: LocalCodat) -> None:
    """What was read before anybody watched is not told after a look that failed."""
    refresh(codat)
    codat.order("gateway_error_before_commit", route="data_status", count=1)
    found = trigger(codat, stores=Stores(MemoryStore()))
    assert not asyncio.run(watched(codat, found, then=lambda: None))


def test_read_for_the_first_time(codat: LocalCodat) -> None:
    """A company of which nothing was ever read is told of from its first read on."""
    found = trigger(codat, stores=Stores(MemoryStore()))
    told = asyncio.run(watched(codat, found, then=lambda: refresh(codat)))
    assert told == {"customers": 1}


def test_another_key(codat: LocalCodat, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watcher whose key is refused goes on asking, and works with the right one."""
    right = codat.airflow_connection()
    wrong = json.dumps({**json.loads(right), "password": "invented"})
    monkeypatch.setenv("AIRFLOW_CONN_CODAT_DEFAULT", wrong)

    def repaired() -> None:
        monkeypatch.setenv("AIRFLOW_CONN_CODAT_DEFAULT", right)
        refresh(codat)

    found = watched(codat, trigger(codat), then=repaired)
    assert asyncio.run(found) == {"customers": 1}
    answers = {e.status for e in codat.journal() if e.method == "GET"}
    # The last one may have been broken off.
    assert answers - {None} == {401, 200}


def test_no_connection(codat: LocalCodat, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watcher whose connection is missing works when it is there."""
    right = codat.airflow_connection()
    monkeypatch.delenv("AIRFLOW_CONN_CODAT_DEFAULT")

    async def run() -> Counter[str]:
        waiting = asyncio.create_task(
            watched(codat, trigger(codat), then=lambda: refresh(codat))
        )
        # Long enough for a look that fails.
        await asyncio.sleep(2 * SECONDS)
        assert not waiting.done()
        monkeypatch.setenv("AIRFLOW_CONN_CODAT_DEFAULT", right)
        return await waiting

    assert asyncio.run(run()) == {"customers": 1}


@pytest.mark.parametrize(
    "wrong",
    [
        {"company_id": "acme"},
        {"data_types": []},
        {"data_types": "customers"},
        {"data_types": ["cust/omers"]},
        {"data_types": [7]},
        {"poll_interval_seconds": 0},
        {"poll_interval_seconds": float("nan")},
    ],
)
def test_wrong_arguments(codat: LocalCodat, wrong: dict[str, Any]) -> None:
    """An argument that makes no sense is an error where the DAG is written."""
    right = {"company_id": codat.company_id, "data_types": ["customers"]}
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CodatDataChangedTrigger(**{**right, **wrong})


def test_it_is_made_from_what_it_tells(codat: LocalCodat) -> None:
    """The triggerer makes the same watcher, whatever the order of its data types."""
    one = trigger(codat, "invoices", "bills", "bills")
    path, arguments = one.serialize()
    assert path.endswith("data_changed.CodatDataChangedTrigger")
    again = CodatDataChangedTrigger(**arguments)
    assert again.serialize() == trigger(codat, "bills", "invoices").serialize()


def test_a_watermark_that_cannot_be_written() -> None:
    """What was told and not written is written next time, and not told again."""

    class Broken(MemoryStore):
        works = False

        async def aset(self, key: str, value: str) -> None:
            if not self.works:
                raise ConnectionError
            await super().aset(key, value)

    async def run() -> None:
        store = Broken()
        marks = Watermarks([store], "c", ["bills"])
        await marks.load()
        before = {"bills": {"lastSuccessfulSync": "2026-03-01T00:00:00Z"}}
        after = {"bills": {"lastSuccessfulSync": "2026-03-02T00:00:00Z"}}
        assert list(marks.moved(before)) == []
        assert list(marks.moved(after)) == [("bills", "2026-03-02T00:00:00Z")]
        with pytest.raises(ConnectionError):
            await marks.keep(0.0)
        store.works = True
        assert list(marks.moved(after)) == list(marks.moved(before)) == []
        await marks.keep(0.0)
        assert list(store.kept.values()) == ["2026-03-02T00:00:00Z"]

    asyncio.run(run())


@pytest.mark.parametrize(
    "odd", [{}, {"bills": {}}, {"bills": {"lastSuccessfulSync": 7}}]
)
def test_odd_answers(odd: dict[str, Any]) -> None:
    """A data type that was never read, or whose time is none, is told by nobody."""
    assert list(Watermarks([], "c", ["bills"]).moved(odd)) == []
