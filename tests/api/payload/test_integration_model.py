"""The laws of reading an integration's model, and of holding payloads against it.

The models of real integrations are not part of this project: CODAT_MODELS_DIR names a
folder of them (each file what Codat answers for ``.../options/customers``), and
CODAT_OPENAPI_DIR Codat's own API descriptions, which have some as examples.
"""

import json
import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from airflow_provider_codat.api.models import Json, Problem
from airflow_provider_codat.api.payload.integration_model import (
    problems,
    to_json_schema,
)
from airflow_provider_codat.api.payload.json_values import path_of
from airflow_provider_codat.api.payload.model_limits import rules_of

CANARY = "canary-7731"
Model = dict[str, Any]


def node(kind: str, **said: Any) -> Model:  # noqa: ANN401 - of a model
    return {"type": kind, "displayName": kind, "required": False, **said}


def choice(*values: str, **said: Any) -> list[Model]:  # noqa: ANN401 - of a model
    return [{"value": v, "displayName": v, "type": "String", **said} for v in values]


def remark(text: str, where: str = "warnings") -> Model:
    return {where: [{"field": "PascalCase.Elsewhere", "details": text}]}


def customer(**properties: Model) -> Model:
    return node("Object", required=True, properties=properties)


def told(payload: Json, model: Model, **options: Any) -> dict[str, str]:  # noqa: ANN401 - passed on
    return {p.path: p.message for p in problems(payload, model, **options)}


TEXT = node("String")
NEEDED = node("String", required=True)


class TestReading:
    """What each part of a model means."""

    @pytest.mark.parametrize(
        ("kind", "right", "wrong", "wanted"),
        [
            ("String", "x", 7, "must be text; a number was given"),
            ("DateTime", "2026-01-01", 7, "must be text; a number was given"),
            ("Number", 1.5, "1", "must be a number; text was given"),
            ("Boolean", False, "no", "must be true or false; text was given"),
            ("Object", {}, [], "must be an object; a list was given"),
            ("Array", [], {}, "must be a list; an object was given"),
        ],
    )
    def test_types(self, kind: str, right: Json, wrong: Json, wanted: str) -> None:
        """Each type takes its JSON, and no other."""
        model = customer(a=node(kind))
        assert told({"a": right}, model) == {}
        assert told({"a": wrong}, model) == {"a": wanted}

    @pytest.mark.parametrize("moment", ["2021-11-15T01:00:00", "2022-10-23", "soon"])
    def test_dates_are_text(self, moment: str) -> None:
        """A date is text of any shape: Codat documents shapes that RFC 3339 refuses."""
        assert told({"a": moment}, customer(a=node("DateTime"))) == {}

    def test_the_properties_of_a_list_are_those_of_an_element(self) -> None:
        """An Array's properties describe one element."""
        model = customer(a=node("Array", properties={"b": NEEDED}))
        payload: Json = {"a": [{"b": "x"}, {"b": 7}, {}, 7]}
        assert told(payload, model) == {
            "a[1].b": "must be text; a number was given",
            "a[2].b": "is required: text",
            "a[3]": "must be an object; a number was given",
        }

    @pytest.mark.parametrize("kind", ["Array", "Object"])
    @pytest.mark.parametrize("said", [{}, {"properties": None}, {"properties": {}}])
    def test_what_lists_no_properties_is_free(self, kind: str, said: Model) -> None:
        """A list or an object of which nothing is said holds anything."""
        value: Json = [{"x": 1}, 7] if kind == "Array" else {"x": {"y": 1}}
        assert told({"a": value}, customer(a=node(kind, **said))) == {}

    def test_required_binds_within_its_parent(self) -> None:
        """What an optional parent requires is required where the parent is sent."""
        model = customer(a=node("Object", properties={"b": NEEDED}))
        assert told({}, model) == {}
        assert told({"a": {}}, model) == {"a.b": "is required: text"}

    def test_a_required_list_may_be_empty(self) -> None:
        """That a list is required says nothing about its elements."""
        model = customer(a=node("Array", required=True, properties={"b": NEEDED}))
        assert told({"a": []}, model) == {}
        assert told({}, model) == {"a": "is required: a list"}

    @pytest.mark.parametrize(
        ("options", "right", "wrong"),
        [
            pytest.param(choice("Active", "InActive"), ["InActive"], ["x"], id="texts"),
            pytest.param(choice("a", type="Array"), ["a"], ["b"], id="odd type"),
            pytest.param(
                [{"displayName": "Card"}, *choice("x")], ["Card", "x"], ["y"], id="name"
            ),
            pytest.param([{"type": "String"}, *choice("x")], ["y"], [], id="neither"),
            pytest.param([{"value": 7, "displayName": 7}], ["y"], [], id="no text"),
            pytest.param(
                choice("true", "1"), ["true", "1"], ["True"], id="like others"
            ),
            pytest.param(choice("", "a"), ["", "a"], [" "], id="the empty text"),
            pytest.param([], ["y"], [], id="none"),
            pytest.param(None, ["y"], [], id="null"),
        ],
    )
    def test_choices(
        self, options: object, right: list[Json], wrong: list[Json]
    ) -> None:
        """A text with choices is one of their values, in this spelling."""
        model = customer(a=node("String", options=options))
        for value in right:
            assert told({"a": value}, model) == {}
        for value in wrong:
            assert "must be one of " in told({"a": value}, model)["a"]

    @pytest.mark.parametrize(
        ("kind", "value"),
        [("Object", {"x": 1}), ("Number", 7), ("Boolean", True), ("Array", ["y"])],
    )
    def test_choices_of_what_is_no_text(self, kind: str, value: Json) -> None:
        """Choices are texts: those of anything else are not held against it."""
        model = customer(a=node(kind, options=choice("x")))
        assert told({"a": value}, model) == {}

    def test_many_choices(self) -> None:
        """A long list of choices is shortened in the message."""
        model = customer(a=node("String", options=choice(*map(str, range(300)))))
        assert told({"a": "x"}, model)["a"].endswith(
            "10, 11 and 288 more (case matters)"
        )

    @pytest.mark.parametrize("kind", ["File", "MultiPart"])
    def test_files(self, kind: str) -> None:
        """A file is no part of a JSON body: it is not required in one."""
        model = customer(a=node(kind, required=True), b=TEXT)
        assert told({"b": "x"}, model) == {}

    def test_null_is_absent(self) -> None:
        """A property that is null counts as one that is not there, at every depth."""
        address = {"line1": TEXT, "country": NEEDED}
        model = customer(
            a=node("Array", properties=address), b=node("Boolean"), c=NEEDED
        )
        payload: Json = {"c": None, "a": [{"line1": None, "country": None}], "b": None}
        assert list(told(payload, model)) == ["c", "a[0].country"]
        assert told({"c": "x", "a": None, "zip": None}, model) == {}
        assert told({"c": "x", "a": [None]}, model) == {
            "a[0]": "must be an object; null was given"
        }


class TestUnlisted:
    """What the model does not list."""

    def test_severity(self) -> None:
        """It is a warning, an error or nothing, as the author wants."""
        model, payload = customer(customerName=TEXT), {"custmerName": "x"}
        found = {
            choice: [
                (p.severity, p.message)
                for p in problems(payload, model, unknown_properties=choice)
            ]
            for choice in ("warn", "fail", "ignore")
        }
        message = "unknown property; did you mean customerName?"
        assert found == {
            "warn": [("warning", message)],
            "fail": [("error", message)],
            "ignore": [],
        }
        with pytest.raises(ValueError, match="must be one of warn, fail, ignore"):
            problems(payload, model, unknown_properties="?")

    def test_what_codat_requires(self) -> None:
        """What Codat's contract requires is never told; nor is Codat's own property."""
        phone = node("Array", properties={"number": TEXT})
        model = customer(
            addresses=node("Array", properties={"line1": TEXT}),
            contacts=node("Array", properties={"name": TEXT, "phone": phone}),
        )
        payload: Json = {
            "status": "Active",
            "addresses": [{"type": "Billing"}],
            "contacts": [{"status": "Active", "phone": [{"type": "Fax"}]}],
            "supplementalData": {"content": {"a": {"b": 1}}},
        }
        assert told(payload, model, unknown_properties="fail") == {}
        assert list(told(payload, model, data_type="loans")) == [
            "status",
            "addresses[0].type",
            "contacts[0].status",
            "contacts[0].phone[0].type",
            "supplementalData",
        ]

    def test_what_codat_knows(self) -> None:
        """A property of Codat's that this integration lacks is told from a typo."""
        model = customer(
            contactName=TEXT, contacts=node("Array", properties={"a": TEXT})
        )
        payload: Json = {"taxNumber": "7", "contacts": [{"email": "x", "b": 1}]}
        assert told(payload, model) == {
            "taxNumber": "is not listed, and may be refused or ignored",
            "contacts[0].email": "is not listed, and may be refused or ignored",
            "contacts[0].b": "unknown property",
        }


LIMITS = [
    ("Max length of 3 characters.", "abc", "abcd"),
    ("Max length of 3 characters", "äöü", "äöüß"),
    ("Maximum length is 3 characters.", "abc", "abcd"),
    ("Maximum 3 characters.", "abc", "abcd"),
    ("Maximum of three characters.", "abc", "abcd"),
    ("Must not be longer than 3 characters", "abc", "abcd"),
    ("Must not be greater than 3 characters long.", "abc", "abcd"),
    ("Must be no greater than 3 characters.", "abc", "abcd"),
    ("Should not be longer than 3 characters.", "abc", "abcd"),
    ("Must not exceed 3 characters.", "abc", "abcd"),
    ("Must contain no more than 3 characters.", "abc", "abcd"),
    ("Must not contain no more than 3 characters.", "abc", "abcd"),
    ("Must be at most 3 characters in length.", "abc", "abcd"),
    ("The tax number can have a maximum of 3 characters", "abc", "abcd"),
    ("Must be less than 3 characters.", "ab", "abc"),
    ("Must not be longer than 1,000 characters", "a" * 1000, "a" * 1001),
    ("Must have a length between 2 and 3 characters", "abc", "abcd"),
    ("Must have a length between 2 and 3 characters", "ab", "a"),
    ("If included must have a length between 2 and 3 characters", "ab", "a"),
    ("Must be between 2 and 3 characters.", "ab", "a"),
    ("Must have a length of 3 characters.", "abc", "ab"),
    ("Must have a length of 3 characters.", "abc", "abcd"),
    ("Must be at least 2 characters long.", "ab", "a"),
    ("The ID must be unique, contain no spaces and have a maximum of 3 characters.",
     "abc", "abcd"),
    ("The ID must be unique, contain no spaces and have a maximum of 3 characters.",
     "abc", "a c"),
    ("The ID must be unique, contain no spaces and have a maximum of 3 characters.",
     "abc", "ab\n"),
    ("The ID must be unique, contain no spaces and have a maximum of 3 characters.",
     "abc", "a b c"),
    ("Must be a two letter Country ISO code", "GB", "UK1"),
    ("Should be a 6 digit number.", "123456", "12345"),
    ("Only English alphabet characters are permitted.", "NW1 6XE", "Zoë"),
    ("This field is ignored.", None, "x"),
    ("Is not supported, and will be ignored.", None, "x"),
    ("Must be greater than zero.", 1, 0),
    ("Must be greater than zero", 0.01, -1),
    ("Must not be negative.", 0, -0.5),
    ("Precision must be maximum of two decimal places.", 0.29, 0.291),
    ("Precision must be maximum of 2 decimal places.", 1200, 1e-05),
    ("Only one address can be included in the Addresses array.", [{}], [{}, {}]),
]  # fmt: skip
NOT_LIMITS = [
    "Must be 6 characters long if the specified currency is GBP.",
    "If alphanumeric is supported, must be between 1 and 10 characters. Otherwise x",
    "Must be at most 3 characters in length, although restrictions may vary.",
    "Only for Exact Netherlands, must have a length of 3 characters.",
    "For account based line items, must not exceed 3 characters.",
    "When set must not exceed 3 characters.",
    "Only one each of Billing and Delivery addresses can be provided",
    "Additional contacts will be ignored.",
    "If the name is set, this field is ignored.",
    "Must match the ID of an existing customer.",
    "Must be provided.",
    "Can be greater than zero.",
    "Line 1 and line 2 must not exceed 60 characters.",
    "The total of all lines must be greater than zero.",
    "Must not exceed 99999999999999999999999999 characters.",
    "x" * 100_000,
    "",
]
SORTS: list[Json] = ["abcd" * 600, -1.005, [{}, {}, {}], True, {}, ""]


def kind_of(value: Json) -> str:
    kinds = {list: "Array", str: "String", dict: "Object", bool: "Boolean"}
    return kinds.get(type(value), "Number")


class TestProse:
    """Limits that stand in remarks."""

    @pytest.mark.parametrize(("text", "right", "wrong"), LIMITS)
    @pytest.mark.parametrize("where", ["warnings", "information"])
    def test_limits(self, text: str, right: Json, wrong: Json, where: str) -> None:
        """A limit in prose is a warning, or an error under strict, in its own words."""
        limited = node(kind_of(wrong), validation=remark(text, where))
        model = customer(list=node("Array", properties={"a": limited}))
        assert problems({"list": [{"a": right}]}, model, strict=True) == ()
        payload: Json = {"list": [{"a": right}, {"a": wrong}]}
        for strict, severity in [(False, "warning"), (True, "error")]:
            [found] = problems(payload, model, strict=strict)
            assert (found.path, found.severity) == ("list[1].a", severity)
            assert f'"{text}"' in found.message

    @pytest.mark.parametrize("text", NOT_LIMITS, ids=lambda text: text[:40])
    def test_no_limits(self, text: str) -> None:
        """What is a condition, or is not understood whole, is no limit."""
        assert rules_of([text]) == ()

    @pytest.mark.parametrize("text", [text for text, *_ in LIMITS])
    @pytest.mark.parametrize("beginning", ["If set to x, ", "For items, ", "Also, "])
    def test_limits_of_a_longer_remark(self, text: str, beginning: str) -> None:
        """A limit inside a longer remark is a condition, wherever it stands."""
        assert rules_of([f"{beginning}{text}"]) == ()
        assert rules_of([f"{text} unless the currency is GBP"]) == ()

    @pytest.mark.parametrize("text", [text for text, *_ in LIMITS])
    def test_what_a_limit_is_not_about(self, text: str) -> None:
        """A limit on a value of another type never fails, whatever the value."""
        for value in SORTS:
            for rule in rules_of([text]):
                assert rule.broken_by(value) in (True, False)

    def test_limits_stand_where_they_stand(self) -> None:
        """A limit is about the node it stands on, whatever field it names."""
        limited = node("String", validation=remark("Max length of 1 characters."))
        model = customer(
            a=limited, b=node("Object", properties={"a": TEXT, "c": limited})
        )
        payload: Json = {"a": "xx", "b": {"a": "xx", "c": "xx"}}
        assert list(told(payload, model)) == ["a", "b.c"]

    def test_long_remarks_are_shortened(self) -> None:
        """However long the words of a remark, a message stays readable."""
        text = f"Must not exceed 3 characters{' ' * 500}."
        model = customer(a=node("String", validation=remark(text)))
        assert len(told({"a": "xxxx"}, model)["a"]) < 100


class TestSchema:
    """The JSON Schema, for whoever wants it."""

    def test_what_it_tells(self) -> None:
        """It holds names, descriptions, remarks, choices and what is required."""
        model = customer(
            id=node(
                "String",
                displayName="ID",
                description="Of the\ncustomer.",
                required=True,
                options=choice("a", "b"),
                validation=remark("Max length of 3 characters."),
            ),
            tags=node("Array", properties={"x": node("Number")}),
        )
        expected = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Object",
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": {
                    "title": "ID",
                    "description": "Of the customer.",
                    "$comment": "Max length of 3 characters.",
                    "type": "string",
                    "enum": ["a", "b"],
                },
                "tags": {
                    "title": "Array",
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"x": {"title": "Number", "type": "number"}},
                    },
                },
            },
        }
        assert to_json_schema(model) == expected
        strict = to_json_schema(model, strict=True)
        assert strict["properties"]["id"]["maxLength"] == 3

    def test_the_narrower_of_two_limits(self) -> None:
        """Of two limits of a kind, the narrower holds."""
        said = [
            {"details": f"Must have a length between {a} and {b} characters"}
            for a, b in [(1, 9), (2, 5), (0, 7)]
        ]
        said += [
            {"details": "Should be a 3 digit number."},
            {"details": "Only English alphabet characters are permitted."},
        ]
        model = customer(a=node("String", validation={"warnings": said}))
        schema = to_json_schema(model, strict=True)["properties"]["a"]
        assert (schema["minLength"], schema["maxLength"]) == (2, 5)
        assert {"pattern", "allOf"} <= set(schema)
        Draft202012Validator.check_schema(schema)


# Models that are invented, payloads that fit them, and damage that is done to these.

REMARKS = [
    "Max length of 12 characters.",
    "Must be greater than zero.",
    "Must be 6 characters long if the specified currency is GBP.",
    "Must match the ID of an existing customer.",
]
NAMES = ["status", "addresses", "type", "a", "b", "c", "customerName", "x y", "zoë"]
validations = st.none() | st.builds(
    lambda warnings, information: {
        "warnings": [{"details": text, "field": "Odd.Case"} for text in warnings],
        "information": information and [{"details": text} for text in information],
    },
    st.lists(st.sampled_from(REMARKS), max_size=2),
    st.none() | st.lists(st.sampled_from(REMARKS), max_size=2),
)
options = st.none() | st.lists(
    st.fixed_dictionaries(
        {"displayName": st.sampled_from(["Card", "Cash"])},
        optional={
            "value": st.sampled_from(["Active", "1", "true"]),
            "type": st.sampled_from(["String", "Array"]),
        },
    ),
    max_size=3,
)


def nodes(kinds: list[str], **parts: Any) -> st.SearchStrategy[Model]:  # noqa: ANN401 - strategies
    return st.fixed_dictionaries(
        {
            "type": st.sampled_from(kinds),
            "validation": validations,
            "options": options,
            **parts,
        },
        optional={
            "required": st.booleans(),
            "displayName": st.text(max_size=3),
            "description": st.text(max_size=3),
        },
    )


leaves = (
    nodes(["String"])
    | nodes(["Number"])
    | nodes(["Boolean", "DateTime", "File", "String"])
)
trees = st.recursive(
    leaves | nodes(["Array", "Object"]),
    lambda below: nodes(
        ["Array", "Object"],
        properties=st.none() | st.dictionaries(st.sampled_from(NAMES), below),
    ),
    max_leaves=10,
)
models = nodes(
    ["Object"],
    properties=st.dictionaries(st.sampled_from(NAMES), trees, min_size=3),
)


def children(model: Model) -> dict[str, Model]:
    below = (
        model.get("properties") or {} if model["type"] in ("Array", "Object") else {}
    )
    return {name: child for name, child in below.items() if child["type"] != "File"}


def choices(model: Model) -> list[str]:
    found = model.get("options") or [] if model["type"] == "String" else []
    return [option.get("value", option["displayName"]) for option in found]


def fitting(model: Model, draw: Any) -> Any:  # noqa: ANN401 - JSON that it fits
    """Invent a value that a node accepts."""
    match model["type"]:
        case "String" | "DateTime":
            chosen = choices(model)
            return draw(st.sampled_from(chosen)) if chosen else CANARY
        case "Number":
            return draw(st.sampled_from([7731, 0.5]))
        case "Boolean":
            return draw(st.booleans())
        case "Object":
            return element(model, draw)
    return [element(model, draw) for _ in range(draw(st.integers(0, 2)))]


def element(model: Model, draw: Any) -> dict[str, Any]:  # noqa: ANN401 - what draws
    known = children(model)
    made = {}
    for name in draw(st.permutations(list(known))):
        word = "sent" if known[name].get("required") else None
        word = word or draw(st.sampled_from(["sent", "null", "absent"]))
        if word != "absent":
            made[name] = fitting(known[name], draw) if word == "sent" else None
    return made


class Damage(NamedTuple):
    """One thing that was done to a payload, and how it is to be told."""

    payload: Any
    path: str
    rules: set[str]
    severity: str


WRONG = {"String": 7731, "DateTime": {}, "Number": CANARY, "Boolean": CANARY}
WRONG |= {"Object": [CANARY], "Array": {CANARY: 1}}


Route = tuple[Any, ...]
REMOVED = object()


def changed(payload: Any, route: Route, value: object) -> Any:  # noqa: ANN401 - any JSON
    """Return a copy that holds another value at the end of a route, or none."""
    copy = deepcopy(payload)
    below = copy
    for step in route[:-1]:
        below = below[step]
    if value is REMOVED:
        below.pop(route[-1], None)
    else:
        below[route[-1]] = value
    return copy


def damages(payload: Any, model: Model) -> Iterator[Damage]:  # noqa: ANN401 - any JSON
    """Yield a payload with one damage, for each that can be done."""
    for route, value, rules, severity in harm(payload, model, ()):
        damaged = changed(payload, route, value)
        yield Damage(damaged, path_of(route), rules, severity)


Harm = tuple[Route, object, set[str], str]


def harm(value: Any, model: Model, route: Route) -> Iterator[Harm]:  # noqa: ANN401 - any JSON
    if model["type"] == "Array":
        for number, item in enumerate(value):
            yield from harm_inside(item, model, (*route, number))
    elif model["type"] == "Object":
        yield from harm_inside(value, model, route)
    else:
        yield from harm_to_leaf(model, route)


def harm_inside(value: Any, model: Model, route: Route) -> Iterator[Harm]:  # noqa: ANN401 - any JSON
    known = children(model)
    if known:
        yield (*route, "unlisted"), CANARY, {"unknown"}, "warning"
    for name, child in known.items():
        place = (*route, name)
        if child.get("required"):
            yield place, REMOVED, {"required"}, "error"
        if value.get(name) is not None:
            yield place, WRONG[child["type"]], {"type", "enum"}, "error"
            yield from harm(value[name], child, place)


def harm_to_leaf(model: Model, route: Route) -> Iterator[Harm]:
    said = model.get("validation") or {}
    entries = [*(said.get("warnings") or []), *(said.get("information") or [])]
    remarks = [entry["details"] for entry in entries]
    if choices(model):
        yield route, CANARY, {"enum"}, "error"
    elif model["type"] in ("String", "DateTime") and REMARKS[0] in remarks:
        yield route, f"{CANARY}{CANARY}", {"maxLength"}, "warning"
    elif model["type"] == "Number" and REMARKS[1] in remarks:
        yield route, -7731, {"exclusiveMinimum"}, "warning"


def test_invented_models() -> None:
    """Of any model: what fits passes, and each single damage is told at its place."""
    seen: set[str] = set()
    told_of: set[str] = set()

    @given(models, st.data())
    @settings(suppress_health_check=list(HealthCheck), max_examples=100)
    def law(model: Model, data: Any) -> None:  # noqa: ANN401 - what draws
        assume(children(model))
        original = deepcopy(model)
        Draft202012Validator.check_schema(to_json_schema(model))
        Draft202012Validator.check_schema(to_json_schema(model, strict=True))
        payload = fitting(model, data.draw)
        assert problems(payload, model, data_type="none", strict=True) == ()
        for damage in damages(payload, model):
            found = problems(damage.payload, model, data_type="none")
            assert [(p.path, p.severity) for p in found] == [
                (damage.path, damage.severity)
            ]
            assert found[0].rule in damage.rules
            assert CANARY not in found[0].message
            assert "7731" not in found[0].message
            told_of.add(found[0].rule)
        assert model == original
        seen.add(json.dumps(model, sort_keys=True))

    law()
    assert len(seen) >= 60
    assert told_of >= {"required", "type", "unknown"}


def sent(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a payload as the check takes it: what is null is not there."""
    if isinstance(value, list):
        return [sent(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: sent(item) for name, item in value.items() if item is not None}


def test_the_schema_and_the_check_say_the_same() -> None:
    """The JSON Schema refuses exactly what the check has errors for, strict or not."""
    verdicts = set()

    @given(models, st.data(), st.booleans())
    @settings(suppress_health_check=list(HealthCheck), max_examples=100)
    def law(model: Model, data: Any, strict: bool) -> None:  # noqa: ANN401 - drawn
        assume(children(model))
        validator = Draft202012Validator(to_json_schema(model, strict=strict))
        payload = fitting(model, data.draw)
        for each in [payload, *(damage.payload for damage in damages(payload, model))]:
            found = problems(each, model, data_type="none", strict=strict)
            refused = "error" in {problem.severity for problem in found}
            assert validator.is_valid(sent(each)) is not refused
            verdicts.add((strict, refused))

    law()
    assert len(verdicts) == 4


WORDS = [
    "type", "properties", "required", "options", "validation", "displayName", "value",
    "warnings", "information", "details", "description", "a",
]  # fmt: skip
odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 10**30)
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["Object", "Array", "String", "object", "Number", *REMARKS]),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS), below)
        | st.dictionaries(st.integers(0, 3) | st.text(max_size=2), below)
    ),
    max_leaves=20,
)


@given(odd, odd)
@settings(suppress_health_check=list(HealthCheck), max_examples=200)
def test_odd_models(model: Any, payload: Any) -> None:  # noqa: ANN401 - anything
    """A model that is none is no error: what is not understood accepts anything."""
    for strict in (False, True):
        Draft202012Validator.check_schema(to_json_schema(model, strict=strict))
    found = problems(sent(payload), model, strict=True)
    assert all(isinstance(problem, Problem) for problem in found)


@pytest.mark.parametrize(
    "model",
    [
        None,
        [],
        {"type": "Object"},
        {"type": "object", "properties": {"a": NEEDED}},
        {"type": ["Object"], "properties": {"a": NEEDED}},
        {"properties": {"a": NEEDED}},
        {"type": "Object", "properties": [NEEDED]},
        {"type": "Object", "properties": {"a": None, "b": "String", "c": 7}},
        {"type": "Object", "properties": {"a": {"type": "String", "required": "yes"}}},
        {"type": "Object", "properties": {1: NEEDED}},
        {"type": "Object", "properties": {"a": node("String", validation=[7])}},
        {"type": "Object", "properties": {"a": node("String", options={"value": 7})}},
    ],
    ids=repr,
)
def test_models_that_say_little(model: Any) -> None:  # noqa: ANN401 - anything
    """Of what is not understood, nothing is required and nothing refused."""
    payload: dict[str, Json]
    for payload in ({}, {"a": "x"}):
        assert problems(payload, model, strict=True) == ()


def test_a_model_without_end() -> None:
    """A model that contains itself, or is very deep, is read to a depth and no more."""
    model = customer(a=NEEDED)
    model["properties"]["b"] = node("Object", properties=model["properties"])
    Draft202012Validator.check_schema(to_json_schema(model))
    assert told({"a": "x", "b": {}}, model) == {"b.a": "is required: text"}


def test_a_list_at_the_root() -> None:
    """A model of a list describes its elements."""
    model = node("Array", properties={"a": NEEDED})
    assert told([{"a": "x"}, {}], model) == {"[1].a": "is required: text"}


FOLDER = os.environ.get("CODAT_MODELS_DIR", "")
DESCRIPTIONS = os.environ.get("CODAT_OPENAPI_DIR", "")


def examples(value: object) -> Iterator[Model]:
    """Yield the models that stand anywhere in a document."""
    if isinstance(value, Mapping):
        if value.get("type") == "Object" and isinstance(value.get("required"), bool):
            yield dict(value)
        else:
            for item in value.values():
                yield from examples(item)
    elif isinstance(value, list):
        for item in value:
            yield from examples(item)


def translated(model: Model, payload: Any) -> None:  # noqa: ANN401 - any JSON
    """Hold a model to the laws of the invented ones."""
    Draft202012Validator.check_schema(to_json_schema(model, strict=True))
    assert problems(payload, model, data_type="none") == ()
    for damage in damages(payload, model):
        [found] = problems(damage.payload, model, data_type="none")
        assert (found.path, found.severity) == (damage.path, damage.severity)


@pytest.mark.codat_models
@pytest.mark.skipif(not FOLDER, reason="CODAT_MODELS_DIR does not name any models")
@pytest.mark.parametrize(
    "file", sorted(Path(FOLDER).glob("*.json")) if FOLDER else [], ids=lambda f: f.stem
)
@given(st.data())
@settings(suppress_health_check=list(HealthCheck), max_examples=10)
def test_real_models(file: Path, data: Any) -> None:  # noqa: ANN401 - what draws
    """The models of real integrations are read as the invented ones are.

    Of whatever data type they are: a file's name begins with it.
    """
    model = json.loads(file.read_text(encoding="utf-8"))
    if file.stem.startswith("customers."):
        assert "customerName" in to_json_schema(model)["required"]
    translated(model, without_limits(model, data.draw))


@pytest.mark.codat_openapi
@pytest.mark.skipif(not DESCRIPTIONS, reason="CODAT_OPENAPI_DIR names no descriptions")
def test_models_of_codats_description() -> None:
    """Every model that Codat's own descriptions show is read."""
    count = 0
    for file in Path(DESCRIPTIONS).glob("*.json"):
        for model in examples(json.loads(file.read_text(encoding="utf-8"))):
            Draft202012Validator.check_schema(to_json_schema(model, strict=True))
            assert set(to_json_schema(model)["properties"]) == set(children(model))
            count += 1
    assert count >= 19


def without_limits(model: Model, draw: Any) -> Any:  # noqa: ANN401 - JSON that it fits
    """Invent a payload that fits, and keeps the real models' limits in prose."""
    text = json.dumps(fitting(model, draw)).replace(CANARY, "GB")
    payload = json.loads(text)
    for name in ("addresses", "contacts"):
        if payload.get(name):
            del payload[name][1:]
    return payload
