"""Write ``operators/accounting/``: the operators of each data type, from the table.

::

    python scripts/accounting_operators.py [FOLDER]

What they do stands in ``operators/create.py`` and its neighbours; these are the names
that an author imports, with arguments that editors and type checkers know. The files
are not edited by hand.
"""

import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from airflow_provider_codat.api.data_types import DATA_TYPES, DataType

ROOT = Path(__file__).resolve().parents[1]
OPERATORS = ROOT / "airflow_provider_codat/operators"
TYPES = "airflow_provider_codat.api.payload.types"


def pascal(words: str) -> str:
    """Return words as a part of a class's name."""
    return "".join(word.capitalize() for word in words.replace("_", " ").split())


def constant(row: DataType) -> str:
    """Return what a row of the table is called."""
    letters = "".join(f"_{c}" if c.isupper() else c for c in row.name)
    return letters.upper()


def create(row: DataType) -> str:
    """Return the operator that creates one record."""
    name, kind = row.argument, f"Accounting{pascal(row.argument)}"
    return f'''
@documented
class CreateAccounting{pascal(name)}Operator(CreateRecordOperator):
    """Create {row.a_record} in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param {name}: the payload, see
        :class:`airflow_provider_codat.api.{kind}`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = {constant(row)}

    def __init__(
        self,
        *,
        {name}: {kind} | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.{name} = {name}
'''


def create_many(row: DataType) -> str:
    """Return the operator that creates many records."""
    names, kind = row.arguments, f"Accounting{pascal(row.argument)}"
    return f'''
@documented
class CreateAccounting{pascal(names)}Operator(CreateRecordsOperator):
    """Create many {row.records} in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param {names}: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.{kind}`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param {names}_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = {constant(row)}

    def __init__(
        self,
        *,
        {names}: Sequence[{kind} | Mapping[str, Any]] | str | None = None,
        {names}_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.{names} = {names}
        self.{names}_path = {names}_path
'''


def update(row: DataType) -> str:
    """Return the operator that updates one record."""
    name, kind = row.argument, f"Accounting{pascal(row.argument)}"
    return f'''
@documented
class UpdateAccounting{pascal(name)}Operator(UpdateRecordOperator):
    """Update {row.a_record} in a company's books: the latest values win.

    A PUT leaves the same values however often it is sent, so one whose answer was lost
    is sent again. An older payload of this task is never written over a newer one. See
    ``docs/updating.md``.

    :param {name}_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    :param {name}: the whole {row.record}, see
        :class:`airflow_provider_codat.api.{kind}`:
        what Codat does with properties that are left out, it does not say. (templated)
    """

    data_type = {constant(row)}

    def __init__(
        self,
        *,
        {name}_id: str,
        {name}: {kind} | Mapping[str, Any] | str,
        **kwargs: Unpack[UpdateKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.{name}_id = {name}_id
        self.{name} = {name}
'''


def delete(row: DataType) -> str:
    """Return the operator that deletes one record."""
    name = row.argument
    return f'''
@documented
class DeleteAccounting{pascal(name)}Operator(DeleteRecordOperator):
    """Delete {row.a_record} in a company's books.

    A record that is gone is gone however often that is asked for, so a delete whose
    answer was lost is sent again. See ``docs/deleting.md``.

    :param {name}_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    """

    data_type = {constant(row)}

    def __init__(self, *, {name}_id: str, **kwargs: Unpack[WriteKwargs]) -> None:
        super().__init__(**kwargs)
        self.{name}_id = {name}_id
'''


ROWS = tuple(DATA_TYPES.values())
MODULES: dict[str, tuple[str, Callable[[DataType], str], tuple[DataType, ...]]] = {
    "create": ("The operators that create one record.", create, ROWS),
    "create_many": ("The operators that create many records.", create_many, ROWS),
    "update": (
        "The operators that update a record.",
        update,
        tuple(row for row in ROWS if row.can_update),
    ),
    "delete": (
        "The operators that delete a record.",
        delete,
        tuple(row for row in ROWS if row.can_delete),
    ),
}
KINDS = "CreateRecordKwargs, CreateRecordsKwargs, UpdateKwargs, WriteKwargs"


OTHERS = {
    "attach": ["UploadAccountingAttachmentOperator"],
    "create": ["CreateAccountingRecordOperator"],
    "create_many": ["CreateAccountingRecordsOperator"],
    "read": [
        "GetAccountingRecordOperator",
        "GetCustomerModelOperator",
        "GetRecordModelOperator",
        "ListAccountingCustomersOperator",
        "ListAccountingRecordsOperator",
    ],
    "refresh": ["CodatDataRefreshOperator"],
}


def surface() -> str:
    """Return the module that authors import."""
    package = "airflow_provider_codat.operators"
    names = {f"{package}.{module}": list(found) for module, found in OTHERS.items()}
    for module, (_, text_of, rows) in MODULES.items():
        texts = [text_of(row) for row in rows]
        classes = [text.partition("class ")[2].partition("(")[0] for text in texts]
        names[f"{package}.accounting.{module}"] = classes
    lines = [
        f"from {module} import {', '.join(found)}" for module, found in names.items()
    ]
    every = sorted(name for found in names.values() for name in found)
    words = '"""Operators that write into a company\'s books, and those beside them."""'
    listed = ", ".join(f'"{name}"' for name in every)
    return "\n".join([words, "", *lines, "", f"__all__ = [{listed}]", ""])


def imports(rows: Iterable[DataType]) -> str:
    """Return what a module may need; what it does not need is taken out later."""
    rows = list(rows)
    types = ", ".join(f"Accounting{pascal(row.argument)}" for row in rows)
    package = "airflow_provider_codat.operators"
    return f"""
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from airflow_provider_codat.api.data_types import {", ".join(map(constant, rows))}
from {TYPES} import {types}
from {package}.codat_operator import documented
from {package}.create import CreateRecordOperator
from {package}.create_many import CreateRecordsOperator
from {package}.update import DeleteRecordOperator, UpdateRecordOperator
from airflow_provider_codat.tasks.options import {KINDS}

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import ObjectStoragePath
"""


def main(folder: Path) -> None:
    """Write the modules, formatted.

    :param folder: of the operators.
    """
    below = folder / "accounting"
    below.mkdir(exist_ok=True)
    head = '"""The operators of each data type, made from the table of data types."""\n'
    (below / "__init__.py").write_text(head, encoding="utf-8")
    for module, (words, text_of, rows) in MODULES.items():
        text = f'"""{words}"""\n{imports(rows)}\n' + "\n".join(map(text_of, rows))
        (below / f"{module}.py").write_text(text, encoding="utf-8")
    (folder / "codat.py").write_text(surface(), encoding="utf-8")
    written = [str(folder / "codat.py"), str(below)]
    for command in (["format"], ["check", "--fix", "--exit-zero"], ["format"]):
        settings = ["--quiet", "--config", str(ROOT / "ruff.toml"), *written]
        subprocess.run([sys.executable, "-m", "ruff", *command, *settings], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else OPERATORS)
