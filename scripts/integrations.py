"""Write the examples of docs/integrations.md, with the messages that come out.

::

    CODAT_MODELS_DIR=models python scripts/integrations.py
    CODAT_MODELS_DIR=models python scripts/integrations.py --check

The folder holds, for each integration, what Codat answers for its customers:
``customers.xero.json`` and so on. The models themselves are not put into the guide.
With ``--check`` nothing is written: it ends with 1 when the guide says otherwise.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow_provider_codat.api.payload.check import Check

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "integrations.md"
BEGIN, END = "<!-- examples: scripts/integrations.py -->", "<!-- end of examples -->"

Payload = dict[str, Any]

NAME = "Analytical Engines Ltd"
ACTIVE: Payload = {"customerName": NAME, "status": "Active"}
BILLING: Payload = {"type": "Billing", "line1": "1 Dorset Street"}

EXAMPLES: dict[str, tuple[str, Payload, list[Payload]]] = {
    "NetSuite": (
        "oracle-netsuite",
        {**ACTIVE, "addresses": [{"type": "Billing", "country": "GB"}]},
        [
            {"status": "Active", "emailAddress": "ada@example.com"},
            {**ACTIVE, "addresses": [BILLING]},
            {**ACTIVE, "addresses": [{**BILLING, "country": "United Kingdom"}]},
            {**ACTIVE, "registrationNumber": "01234567"},
        ],
    ),
    "QuickBooks Online": (
        "quickbooks-online",
        ACTIVE,
        [
            {**ACTIVE, "status": "Unknown"},
            {**ACTIVE, "addresses": [{**BILLING, "type": "Unknown"}]},
            {**ACTIVE, "contacts": [{"status": "Active", "name": "Ada"}]},
            {**ACTIVE, "contacts": [{"phone": [{"type": "Fax", "number": "1"}]}]},
        ],
    ),
    "Sage 50 UK": (
        "sage-50-uk",
        {"id": "ANALYT01", **ACTIVE},
        [
            ACTIVE,
            {"id": "ANALYTICAL", **ACTIVE},
            {"id": "ANALYT01", "customerName": NAME},
            {"id": "ANALYT01", **ACTIVE, "addresses": [BILLING]},
        ],
    ),
    "Xero": (
        "xero",
        ACTIVE,
        [
            {**ACTIVE, "status": "Archived"},
            {**ACTIVE, "status": "InActive"},
            {**ACTIVE, "addresses": [{"line1": "1 Dorset Street"}]},
            {**ACTIVE, "addresses": [{**BILLING, "postalCode": "Łódź"}]},
        ],
    ),
}


def examples(folder: Path) -> Iterator[str]:
    """Yield the lines of the examples, each integration's in turn."""
    for name, (file, accepted, others) in EXAMPLES.items():
        text = (folder / f"customers.{file}.json").read_text(encoding="utf-8")
        check = Check(
            validate="both", model=json.loads(text), model_name=f"{name}'s model"
        )
        if check.problems(accepted):
            raise SystemExit(f"{name}: {[*map(str, check.problems(accepted))]}")
        yield from ("", f"### {name}", "", "Accepted:", "", "```json")
        yield from (json.dumps(accepted, ensure_ascii=False), "```", "")
        yield from ("Not accepted, or with warnings:", "", "| payload | what is told |")
        yield "|---|---|"
        for payload in others:
            told = "<br>".join(
                f"{'warning: ' * (p.severity == 'warning')}{p}"
                for p in check.problems(payload)
            )
            if not told:
                raise SystemExit(f"{name}: accepts {payload}")
            yield f"| `{json.dumps(payload, ensure_ascii=False)}` | {told} |"
    yield ""


def main() -> int:
    """Write the guide, or compare it; return the exit code."""
    folder = Path(
        os.environ.get("CODAT_MODELS_DIR") or sys.exit("set CODAT_MODELS_DIR")
    )
    guide = GUIDE.read_text(encoding="utf-8")
    before, _, rest = guide.partition(BEGIN)
    after = rest.partition(END)[2]
    written = "\n".join([f"{before}{BEGIN}", *examples(folder), f"{END}{after}"])
    if "--check" in sys.argv[1:]:
        return int(written != guide)
    GUIDE.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
