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
