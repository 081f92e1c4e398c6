"""Tells the same webhooks from several threads at once, as several API servers would.

    python tell_events.py COUNT

The database is that of Airflow's configuration, and empty. What each call came to, and
what is in the database afterwards, goes to stdout as JSON.
"""

import json
import random
import sys
import uuid
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

warnings.simplefilter("ignore")

from airflow import models, settings  # noqa: E402 - after the warnings
from airflow.models.asset import AssetEvent, AssetModel  # noqa: E402 - the same
from airflow.models.base import Base  # noqa: E402 - the same
from airflow.utils.session import create_session  # noqa: E402 - the same
from sqlalchemy import select  # noqa: E402 - the same
from sqlalchemy.exc import SQLAlchemyError  # noqa: E402 - the same

from airflow_provider_codat.api.webhooks.event import CodatEvent  # noqa: E402 - the same
from airflow_provider_codat.assets import records_uri  # noqa: E402 - the same
from airflow_provider_codat.webhooks.asset_events import tell  # noqa: E402 - the same

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
TYPES = ("customers", "invoices")
AT_ONCE = 8

models.import_all_models()
Base.metadata.create_all(settings.engine)
with create_session(scoped=False) as session:
    uris = [records_uri(COMPANY, each) for each in TYPES]
    # One of them has two assets: a DAG's author has named one, another has not.
    named = [AssetModel(name="named", uri=uris[0], group="asset", extra={})]
    session.add_all([AssetModel(name=u, uri=u, group="asset", extra={}) for u in uris])
    session.add_all(named)


def read(number: int) -> tuple[str, list[CodatEvent]]:
    """Return a message of two data types, in either order."""
    types = TYPES if number % 2 else TYPES[::-1]
    event = ("e", "read.completed", COMPANY)
    return f"msg_{number}", [CodatEvent(*event, data_type=each) for each in types]


def told(message: tuple[str, list[CodatEvent]]) -> str:
    """Tell a message, as often as a locked database makes it necessary."""
    while True:
        try:
            return tell(*message)
        except SQLAlchemyError:
            continue


count = int(sys.argv[1])
messages = [read(number) for number in range(count)] * 3
random.Random(7).shuffle(messages)
with ThreadPoolExecutor(AT_ONCE) as pool:
    outcomes = Counter(pool.map(told, messages))

key = str(uuid.uuid4())
write = CodatEvent(
    "e", "customers.write.successful", COMPANY, "", "customers", key, "C7", "Success"
)
nobodys = CodatEvent("e", "company.created", COMPANY)
others = {
    "a write": tell("msg_write", [write]),
    "the same by another message": tell("msg_again", [write]),
    "of which no DAG has heard": tell("msg_company", [nobodys]),
    "of nothing": tell("msg_nothing", []),
    "an id with a wildcard": tell("msg%", read(0)[1]),
    "an id that begins another": tell("msg_1", []),
}
with create_session(scoped=False) as session:
    names = dict(session.execute(select(AssetModel.id, AssetModel.name)).all())
    events = session.scalars(select(AssetEvent)).all()
    found = [[names[each.asset_id], each.extra] for each in events]
json.dump({"outcomes": outcomes, "others": others, "events": found}, sys.stdout)
