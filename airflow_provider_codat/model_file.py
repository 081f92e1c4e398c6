"""Reads an integration's model that was stored in a file."""

import sys
from pathlib import Path
from typing import Any

from airflow_provider_codat.api.errors import PayloadInvalid
from airflow_provider_codat.api.payload.canonical import parse_json, to_json
from airflow_provider_codat.api.payload.model_nodes import node_of

NO_MODEL = (
    "is no model: it lists no properties. A model is what Codat answers for "
    ".../options/customers"
)


def read_model(file: str) -> dict[str, Any]:
    """Return the model in a file.

    :param file: its path; ``-`` is the standard input.
    :raises OSError: when it cannot be read.
    :raises ValueError: when it holds no model; the text says why not.
    """
    raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    try:
        model = to_json(parse_json(raw.decode("utf-8-sig")))
    except UnicodeDecodeError:
        reason = "is not UTF-8"
    except PayloadInvalid as invalid:
        reason = str(invalid.problems[0])
    else:
        if isinstance(model, dict) and node_of(model).children:
            return model
        reason = NO_MODEL
    raise ValueError(f"{file}: {reason}")
