"""The guide's examples are run as they stand."""

import re
from pathlib import Path

import pytest

from airflow_provider_codat.simulator.__main__ import argument_parser
from airflow_provider_codat.simulator.misfortunes import ROUTES, STAGES
from airflow_provider_codat.simulator.pytest_plugin import local_codat
from airflow_provider_codat.simulator.settings import Settings

__all__ = ["local_codat"]
GUIDE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


def test_examples_run() -> None:
    """Every example that is not marked otherwise runs."""
    assert len(EXAMPLES) == 5
    for example in EXAMPLES:
        exec(compile(example, "simulator.md", "exec"), {})


def test_fixture_example(request: pytest.FixtureRequest) -> None:
    """The example of the fixture passes with the fixture."""
    names: dict[str, object] = {}
    exec(compile(EXAMPLES[2], "simulator.md", "exec"), names)
    fixtures = [
        request.getfixturevalue(each) for each in ("local_codat", "monkeypatch")
    ]
    names["test_the_connection_is_local"](*fixtures)


def test_all_is_documented() -> None:
    """The guide names every kind, route, setting and option."""
    options = set(re.findall(r"--[a-z-]+", argument_parser().format_help()))
    assert len(options) > len(Settings.__dataclass_fields__)
    for name in (*STAGES, *ROUTES, *options):
        if name != "--help":
            assert f"`{name}" in GUIDE, name
