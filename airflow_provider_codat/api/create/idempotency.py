"""One key per intent, the same in every try, made before anything is sent.

Codat answers a repeated ``Idempotency-Key`` with its first reply for 90 minutes, so
a repetition under the same key cannot create a second record.
Source: https://docs.codat.io/using-the-api/idempotency
"""

import json
from dataclasses import dataclass
from uuid import UUID, uuid5

from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.models import Destination

# Frozen for ever: another namespace would give every intent another key.
_NAMESPACE = UUID("6d1f0a52-5d0c-5a0f-9c57-0d6f3c1e7b4a")


@dataclass(frozen=True, slots=True)
class Intent:
    """One record that one task of one DAG run wants in the books.

    Neither the try number nor the payload is part of it: a later try, and a payload
    that was mended, are the same intent.

    :param base_url: of the Codat that is asked.
    :param item: what tells the intents of one task apart: the author's ``item_key``
        (a text), or the map index (a number; -1 when the task is not mapped).
    """

    base_url: str
    destination: Destination
    data_type: DataType
    dag_id: str
    run_id: str
    task_id: str
    item: str | int


def derived_key(intent: Intent, generation: int = 0) -> str:
    """Return the idempotency key of an intent, a UUID.

    :param generation: counts the creates of one intent that are known to have made
        no record before; 0 is the first.
    """
    name = [
        intent.base_url,
        intent.destination.company_id,
        intent.destination.connection_id,
        intent.data_type.name,
        intent.dag_id,
        intent.run_id,
        intent.task_id,
        intent.item,
        generation,
    ]
    return str(uuid5(_NAMESPACE, json.dumps(name)))


def following_key(key: str, generation: int) -> str:
    """Return the key of a later generation of an author's own key, a UUID.

    :param generation: 0 returns the author's key as it is.
    """
    return str(uuid5(_NAMESPACE, json.dumps([key, generation]))) if generation else key
