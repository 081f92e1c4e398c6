"""The laws of what Airflow is told of this package: every Airflow command reads it."""

import json
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distribution, version
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

import airflow_provider_codat
from airflow_provider_codat.api.connection.settings import EXTRAS
from airflow_provider_codat.get_provider_info import get_provider_info
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.links.codat import CodatPushOperationLink, CodatReportLink

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
INFO = get_provider_info()
CONNECTION_TYPE = INFO["connection-types"][0]
DISTRIBUTION = "airflow-provider-codat"
HOOK = "airflow_provider_codat.hooks.codat.CodatHook"
LINKS = [
    f"{link.__module__}.{link.__qualname__}"
    for link in (CodatPushOperationLink, CodatReportLink)
]
TRIGGERS = "airflow_provider_codat.triggers.codat"

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(
        airflow_provider_codat.__path__, "airflow_provider_codat."
    )
    if not module.name.endswith("__main__")
    # Airflow 2 has no API server that takes webhooks.
    and (AIRFLOW >= (3,) or "provider_codat.webhooks." not in module.name)
)


def schema(name: str) -> dict[str, Any]:
    """Return one of the schemas in Airflow's own wheel."""
    text = files("airflow").joinpath(name).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def python(code: str, *options: str) -> str:
    """Run a program in an interpreter of its own; return what it prints."""
    command = [sys.executable, *options, "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_airflow_takes_it() -> None:
    """It is valid by the schema with which Airflow checks it; else nothing starts."""
    jsonschema.validate(INFO, schema("provider_info.schema.json"))


@pytest.mark.skipif(AIRFLOW < (3, 2), reason="conn-fields came with Airflow 3.2")
def test_the_form_is_what_airflow_documents() -> None:
    """A misspelt key of the form would be ignored without a word."""
    whole = schema("provider.yaml.schema.json")
    part = whole["properties"]["connection-types"]
    rules = {**part, "definitions": whole.get("definitions", {})}
    jsonschema.validate(INFO["connection-types"], rules)
    jsonschema.Draft202012Validator.check_schema(
        {
            "properties": {
                name: field["schema"]
                for name, field in CONNECTION_TYPE["conn-fields"].items()
            }
        }
    )


def test_the_package_name_is_the_distribution() -> None:
    """Airflow refuses to start when they differ."""
    assert INFO["package-name"] == distribution(DISTRIBUTION).metadata["Name"]


def test_the_entry_point_leads_to_it() -> None:
    """Airflow finds the package by this entry point, and by nothing else."""
    points = distribution(DISTRIBUTION).entry_points
    [point] = points.select(group="apache_airflow_provider")
    assert point.load() is get_provider_info


def test_it_costs_nothing_to_import() -> None:
    """Every Airflow command imports it: neither Airflow nor the rest of ours comes."""
    code = """
import sys
from airflow_provider_codat.get_provider_info import get_provider_info
get_provider_info()
print(*sorted(name for name in sys.modules if name.startswith("airflow")))
"""
    assert python(code).split() == [
        "airflow_provider_codat",
        "airflow_provider_codat.get_provider_info",
    ]


def test_each_extra_has_a_field() -> None:
    """What can be set in the connection can be set in its form, and vice versa."""
    assert set(CONNECTION_TYPE["conn-fields"]) == set(EXTRAS)


def test_the_hook_says_the_same() -> None:
    """Connection type, hook and class agree; else Airflow warns of inconsistency."""
    assert CONNECTION_TYPE["connection-type"] == CodatHook.conn_type
    assert CONNECTION_TYPE["hook-name"] == CodatHook.hook_name
    assert f"{CodatHook.__module__}.{CodatHook.__qualname__}" == HOOK
    assert CONNECTION_TYPE["hook-class-name"] == HOOK
    assert CodatHook.conn_name_attr == "codat_conn_id"
    assert CodatHook.default_conn_name == "codat_default"


def test_named_modules_and_links_exist() -> None:
    """What the catalogue names can be imported."""
    named = {
        module
        for part in ("hooks", "operators", "sensors", "triggers")
        for entry in INFO[part]
        for module in entry["python-modules"]
    }
    assert named <= set(MODULES)
    assert INFO["extra-links"] == LINKS


def test_the_forms_of_earlier_airflows_are_derived() -> None:
    """The hook's own form repeats the declared one, in the spelling of old."""
    declared = CONNECTION_TYPE["ui-field-behaviour"]
    form = CodatHook.get_ui_field_behaviour()
    assert form == {
        "hidden_fields": declared["hidden-fields"],
        "relabeling": declared["relabeling"],
        "placeholders": declared["placeholders"],
    }
    jsonschema.validate(form, schema("customized_form_field_behaviours.schema.json"))


@pytest.mark.slow
@pytest.mark.skipif(AIRFLOW >= (3, 0), reason="Flask-AppBuilder went with Airflow 3")
def test_the_widgets_of_airflow_2_are_derived() -> None:
    """Each extra has a widget with its label and description, booleans a box."""
    code = f"""
import json
from {CodatHook.__module__} import CodatHook
widgets = CodatHook.get_connection_form_widgets()
print(json.dumps({{
    name: [w.args[0], w.kwargs["description"], w.field_class.__name__]
    for name, w in widgets.items()
}}))
"""
    shown = json.loads(python(code).splitlines()[-1])
    assert shown == {
        name: [
            field["label"],
            field["description"],
            "BooleanField" if "boolean" in field["schema"]["type"] else "StringField",
        ]
        for name, field in CONNECTION_TYPE["conn-fields"].items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "column", "expected"),
    [
        pytest.param("list", "package_name", DISTRIBUTION, id="list"),
        pytest.param("hooks", "connection_type", "codat", id="hooks"),
        pytest.param("links", "extra_link_class_name", LINKS[0], id="links"),
        pytest.param("triggers", "class", TRIGGERS, id="triggers"),
    ],
)
def test_airflow_lists_it(
    airflow_cli: Callable[..., str], command: str, column: str, expected: str
) -> None:
    """``airflow providers`` shows package, connection type and link."""
    printed = airflow_cli("providers", command, "--output", "json")
    rows = json.loads(printed.splitlines()[-1])  # Airflow 3.0 logs before
    assert expected in {row[column] for row in rows}
    if command == "hooks":
        [row] = [row for row in rows if row[column] == expected]
        assert row["class"] == HOOK
        assert row["hook_name"] == "Codat"


@pytest.mark.slow
@pytest.mark.skipif(AIRFLOW < (3, 3), reason="earlier forms come from the hook")
def test_the_web_page_gets_the_form_without_the_hook() -> None:
    """The form's JSON holds every field, labelled, and no module of the hook."""
    code = """
import json, sys
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
[codat] = [m for m in HookMetaService.hook_meta_data() if m.connection_type == "codat"]
assert "airflow_provider_codat.hooks.codat" not in sys.modules
print(codat.model_dump_json())
"""
    shown = json.loads(python(code).splitlines()[-1])
    assert shown["hook_name"] == "Codat"
    standard = shown["standard_fields"]
    assert standard["login"]["hidden"]
    assert standard["password"]["title"] == "API key"
    assert standard["host"]["placeholder"] == "https://api.codat.io"
    assert {
        name: f["schema"]["title"] for name, f in shown["extra_fields"].items()
    } == {
        name: field["label"] for name, field in CONNECTION_TYPE["conn-fields"].items()
    }


@pytest.mark.slow
def test_no_module_leans_on_what_airflow_is_about_to_drop() -> None:
    """Importing any of our modules raises no deprecation, of Airflow's or Python's.

    Airflow's ``DeprecatedImportWarning`` is a ``FutureWarning``. What Airflow's own
    modules cause among themselves is theirs: only warnings that have one of our files
    as the nearest cause outside Airflow's shims count.
    """
    code = f"""
import importlib, sys, traceback, warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import airflow.settings

ours = []

def caused_by(message, category, filename, lineno, file=None, line=None):
    for frame in reversed(traceback.extract_stack()):
        if "airflow_provider_codat" in frame.filename:
            ours.append(f"{{frame.filename}}:{{frame.lineno}}: {{message}}")
            return
        shim = ("_compat_utils", "deprecation_tools", "importlib", "warnings", "<")
        if not any(word in frame.filename for word in shim):
            if not frame.filename.endswith("__init__.py"):
                return

warnings.simplefilter("always")
warnings.showwarning = caused_by
for name in {MODULES!r}:
    importlib.import_module(name)
assert not ours, ours
"""
    python(code)
