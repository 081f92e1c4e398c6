"""Values that tasks hand over by XCom: lists of customers, in many shapes."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import attrs
import numpy as np
import pandas as pd
from airflow.providers.common.compat.sdk import DAG, task
from pydantic import BaseModel, Field

from airflow_provider_codat.operators.codat import CreateAccountingCustomersOperator


class Status(Enum):
    """A plain enumeration."""

    ACTIVE = "Active"


@dataclass
class Record:
    """A dataclass."""

    customerName: str  # noqa: N815 - Codat's name
    status: str = "Active"


@attrs.define
class Defined:
    """An attrs class."""

    customerName: str  # noqa: N815 - Codat's name
    status: str = "Active"


class Model(BaseModel):
    """A pydantic model."""

    name: str = Field(serialization_alias="customerName")
    status: str = "Active"


def customer(name: str, **more: object) -> dict[str, Any]:
    return {"customerName": name, "status": "Active", **more}


VALUES: dict[str, Any] = {
    "list_of_dicts": [customer("list of dicts")],
    "tuple_of_dicts": (customer("tuple of dicts"),),
    "datetime_decimal_uuid": [
        customer(
            "datetime, Decimal, UUID",
            supplementalData={
                "content": {
                    "a": {
                        "at": datetime(2026, 3, 1, tzinfo=UTC),
                        "limit": Decimal("12.50"),
                        "id": UUID(int=7),
                    }
                }
            },
        )
    ],
    "numpy_scalars": [
        customer(
            "numpy scalars",
            supplementalData={
                "content": {
                    "a": {"n": np.int64(3), "x": np.float64(1.5), "b": np.bool_(1)}
                }
            },
        )
    ],
    "pandas_dataframe": pd.DataFrame(
        {
            "customerName": ["pandas DataFrame"],
            "status": ["Active"],
            "taxNumber": [float("nan")],
        }
    ),
    "dataclass": [Record("dataclass")],
    "attrs_class": [Defined("attrs class")],
    "pydantic_model": [Model(name="pydantic model")],
    "enumeration": [{"customerName": "enumeration", "status": Status.ACTIVE}],
    "set_of_texts": [customer("set", phone={"07"})],
    "bytes_for_text": [customer("bytes", phone=b"07")],
    "nan_in_a_dict": [customer("NaN", phone=float("nan"))],
}


@task
def give(kind: str) -> Any:  # noqa: ANN401 - that is the point
    """Hand over a value."""
    return VALUES[kind]


with DAG(
    dag_id="xcom_values",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=None,
):
    for kind in VALUES:
        CreateAccountingCustomersOperator(
            task_id=kind,
            company_id=os.environ.get("CODAT_COMPANY_ID", ""),
            connection_id=os.environ.get("CODAT_CONNECTION_ID", ""),
            customers=give.override(task_id=f"give_{kind}")(kind),
            poll_interval_seconds=0.1,
        )
