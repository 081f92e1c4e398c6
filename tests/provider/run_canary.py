"""Runs the DAG ``canary`` once per conf, as a worker would, with our loggers at DEBUG.

    python run_canary.py CONFS.json RESULTS.json

All that is logged goes to stdout and stderr; what is left behind in Airflow's database
goes to the second file.
"""

import json
import logging
import os
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import airflow.settings  # noqa: E402 - after the warnings
from airflow.models.renderedtifields import RenderedTaskInstanceFields  # noqa: E402 - the same

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag

from airflow_provider_codat.links.codat import CodatPushOperationLink  # noqa: E402 - the same

# Airflow's own handlers drop what is below INFO, and mask the key in the rest.
handler = logging.StreamHandler(sys.stdout)
for name in ("airflow_provider_codat", "airflow.task", "urllib3", "requests"):
    logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger(name).addHandler(handler)

confs = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
results = {}
for conf in confs:
    run = DagBag(folder / "tests" / "canary.py").dags["canary"].test(run_conf=conf)
    ti = run.get_task_instance("create")
    fields = RenderedTaskInstanceFields.get_templated_fields(ti)
    results[conf["case"]] = {
        "state": ti.state,
        "xcoms": [
            ti.xcom_pull(task_ids="create", key=key)
            for key in ("return_value", CodatPushOperationLink().xcom_key)
        ],
        "rendered": fields,
        "row": {
            column.name: str(getattr(ti, column.name, None))
            for column in ti.__table__.columns
        },
    }
Path(sys.argv[2]).write_text(json.dumps(results, default=str), encoding="utf-8")
print("started from", airflow.settings.AIRFLOW_HOME)  # noqa: T201 - proves that output is seen
