"""Writing an integration's model in the shape of Codat's push options."""

from collections.abc import Mapping, Sequence
from typing import Literal

Node = dict[str, object]
NodeType = Literal["Array", "Object", "String", "Number", "Boolean", "DateTime"]


def node(
    kind: NodeType,
    name: str,
    *,
    required: bool = False,
    properties: Mapping[str, Node] | None = None,
    choices: Sequence[str] = (),
    warnings: Sequence[str] = (),
    hints: Sequence[str] = (),
) -> Node:
    """Return one node of a model.

    :param kind: its type; an Array's ``properties`` describe one element.
    :param name: the name shown to people.
    :param required: whether the parent must carry it.
    :param properties: its children by property name.
    :param choices: the values that the integration takes; empty: any.
    :param warnings: what the integration refuses, in prose.
    :param hints: further remarks, in prose.
    """
    made: Node = {
        "type": kind,
        "displayName": name,
        "description": f"{name} as it stands in the accounting software.",
        "required": required,
    }
    if properties is not None:
        made["properties"] = dict(properties)
    if choices:
        made["options"] = [_choice(value) for value in choices]
    if warnings or hints:
        made["validation"] = {
            "warnings": [{"field": name, "details": text} for text in warnings],
            "information": [{"field": name, "details": text} for text in hints],
        }
    return made


def _choice(value: str) -> Node:
    return {
        "value": value,
        "type": "String",
        "displayName": value,
        "description": f"Write {value}.",
        "required": False,
    }


def text(
    name: str,
    *,
    required: bool = False,
    longest: int | None = None,
    choices: Sequence[str] = (),
) -> Node:
    """Return a String node, with its longest length in prose when there is one."""
    warnings = () if longest is None else (f"Max length of {longest} characters.",)
    return node("String", name, required=required, choices=choices, warnings=warnings)


def children(parent: Node) -> dict[str, Node]:
    """Return the children of a node; empty where it names none."""
    found = parent.get("properties")
    return found if isinstance(found, dict) else {}


def choices(parent: Node) -> list[str]:
    """Return the values that a node allows; empty: any."""
    found = parent.get("options")
    return [each["value"] for each in found] if isinstance(found, list) else []


_KINDS: Mapping[str, NodeType] = {
    "string": "String",
    "number": "Number",
    "boolean": "Boolean",
    "object": "Object",
    "array": "Array",
}


def open_model(
    name: str, schema: Mapping[str, object], *, required: bool = True
) -> Node:
    """Return a model that lists everything of a contract, and requires nothing.

    :param name: shown to people.
    :param schema: of a body, or of a part of one.
    """
    inner = schema.get("items", schema)
    assert isinstance(inner, Mapping)
    words = [each for each in _listed(inner.get("enum")) if each is not None]
    kinds = [schema.get("type")] if isinstance(schema.get("type"), str) else []
    kinds += _listed(schema.get("type")) or (["string"] if words else [])
    properties = inner.get("properties")
    return node(
        _KINDS[str(kinds[0])],
        name,
        required=required,
        properties={
            each: open_model(each, below, required=False)
            for each, below in properties.items()
        }
        if isinstance(properties, Mapping)
        else None,
        choices=[str(word) for word in words],
    )


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
