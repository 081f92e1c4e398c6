"""Write ``api/payload/types/``: the shapes of the payloads, from their schemas.

::

    python scripts/payload_types.py [FOLDER]

The schemas alone say what each shape is; the files are not edited by hand.
"""

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAYLOAD = ROOT / "airflow_provider_codat/api/payload"
PACKAGE = "airflow_provider_codat.api.payload.types"
# Which schemas become which module, and what is said of it.
MODULES = {
    "shared": (("shared",), "What the payloads of several data types have in common."),
    "parties": (("customers", "suppliers"), "Customers and suppliers."),
    "sales": (
        ("invoices", "creditNotes", "payments", "directIncomes"),
        "What is sold, and paid by customers.",
    ),
    "purchases": (
        ("bills", "billCreditNotes", "billPayments", "purchaseOrders", "directCosts"),
        "What is bought, and paid to suppliers.",
    ),
    "ledger": (
        (
            "chartOfAccounts",
            "items",
            "journals",
            "journalEntries",
            "bankAccounts",
            "bankTransactions",
            "transfers",
        ),
        "Accounts, items, journals and the bank.",
    ),
}
IMPORTS = """from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, Required, TypeAlias, TypedDict
"""
AMOUNT = '''Amount: TypeAlias = float | Decimal | str
"""An amount or a rate; a text holds a plain number, such as ``"12.50"``."""
'''
INIT = '''"""The shapes of payloads, for type checkers and editors.

A plain dict is all that is needed at run time; these types change nothing then.
``scripts/payload_types.py`` writes them from ``schemas/``.
"""

'''
WORDS = {"string": "str", "number": "Amount", "boolean": "bool", "null": "None"}
RESERVED = {"from"}


def named(name: str) -> str:
    """Return the name of the type that a definition stands for."""
    return name[0].upper() + name[1:]


def hint(node: Mapping[str, Any], plain: Mapping[str, str]) -> str:
    """Return the annotation of a schema.

    :param plain: the annotations of the definitions that get no name of their own.
    """
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return plain.get(name) or named(name)
    if "enum" in node:
        words = [json.dumps(word) for word in node["enum"] if word is not None]
        choice = f"Literal[{', '.join(words)}]"
        return f"{choice} | None" if None in node["enum"] else choice
    kinds = [node["type"]] if isinstance(node["type"], str) else node["type"]
    return " | ".join(_of_kind(kind, node, plain) for kind in kinds)


def _of_kind(kind: str, node: Mapping[str, Any], plain: Mapping[str, str]) -> str:
    if kind == "array":
        return f"list[{hint(node['items'], plain)}]"
    if kind == "object":
        below = node.get("additionalProperties")
        value = hint(below, plain) if isinstance(below, dict) else "object"
        return f"Mapping[str, {value}]"
    return WORDS[kind]


def declared(name: str, node: Mapping[str, Any], plain: Mapping[str, str]) -> str:
    """Return the declaration of the type of a choice or an object."""
    first, _, rest = node["description"].partition(". ")
    words = f"{first}.\n\n    {_wrapped(rest)}\n    " if rest else first
    if "enum" in node:
        return f'{name}: TypeAlias = {hint(node, plain)}\n"""{words}"""'
    members = [
        (key, f"Required[{text}]" if key in node.get("required", ()) else text)
        for key, text in ((k, hint(v, plain)) for k, v in node["properties"].items())
    ]
    if RESERVED & node["properties"].keys():
        pairs = ", ".join(f'"{key}": {text}' for key, text in members)
        shape = f'{name} = TypedDict("{name}", {{{pairs}}}, total=False)'
        return f'{shape}\n"""{words}"""'
    head = f'class {name}(TypedDict, total=False):\n    """{words}"""\n\n'
    return head + "\n".join(f"    {key}: {text}" for key, text in members)


def _wrapped(text: str) -> str:
    return "\n    ".join(textwrap.wrap(text, 80))


def references(node: object) -> set[str]:
    """Return the names of the definitions that a schema refers to."""
    if isinstance(node, list):
        return {name for each in node for name in references(each)}
    if not isinstance(node, dict):
        return set()
    own = {str(node["$ref"]).rpartition("/")[2]} if "$ref" in node else set()
    return own | {name for each in node.values() for name in references(each)}


def in_order(parts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield definitions, each after those that it refers to."""
    left = dict(parts)
    while left:
        ready = [n for n in sorted(left) if not references(left[n]) & left.keys()]
        for name in ready:
            yield name, left.pop(name)


def schema_of(name: str) -> dict[str, Any]:
    """Return one schema of the project."""
    path = PAYLOAD / "schemas" / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def written() -> dict[str, str]:
    """Return the text of each module, by its name."""
    shared = schema_of("shared")["$defs"]
    plain = {n: hint(v, {}) for n, v in shared.items() if "description" not in v}
    every = ", ".join(["Amount", *(named(n) for n in shared if n not in plain)])
    texts, exported = {}, {"shared": f"{every}"}
    for module, (names, words) in MODULES.items():
        parts: dict[str, Any] = {}
        for schema in map(schema_of, names):
            parts |= schema.get("$defs", {})
            if "title" in schema:
                parts[schema["title"]] = schema
        parts = {n: v for n, v in parts.items() if n not in plain}
        blocks = [declared(named(n), v, plain) for n, v in in_order(parts)]
        if module != "shared":
            exported[module] = ", ".join(map(named, parts))
            blocks = [f"from {PACKAGE}.shared import {every}", *blocks]
        else:
            blocks = [AMOUNT, *blocks]
        texts[module] = f'"""{words}"""\n\n{IMPORTS}\n' + "\n\n\n".join(blocks) + "\n"
    lines = [f"from {PACKAGE}.{m} import {names}" for m, names in exported.items()]
    names = sorted(name for text in exported.values() for name in text.split(", "))
    listed = ", ".join(f'"{name}"' for name in names)
    texts["__init__"] = INIT + "\n".join(lines) + f"\n\n__all__ = [{listed}]\n"
    return texts


def main(folder: Path) -> None:
    """Write the modules, formatted."""
    folder.mkdir(exist_ok=True)
    for name, text in written().items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    for command in (["format"], ["check", "--fix", "--exit-zero"], ["format"]):
        settings = ["--quiet", "--config", str(ROOT / "ruff.toml"), str(folder)]
        subprocess.run([sys.executable, "-m", "ruff", *command, *settings], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else PAYLOAD / "types")
