"""Reads the nodes of a model: what is odd is left out, and never an error."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from airflow_provider_codat.api.words import shortened

NOT_JSON = frozenset({"File", "MultiPart"})
"""Types that are not part of a JSON body."""

_TYPES = NOT_JSON | {"Array", "Object", "String", "Number", "Boolean", "DateTime"}
_DEEPEST = 32


class Node(NamedTuple):
    """One node of a model, as far as it is understood.

    :param type: Codat's word for it; empty where it is none that is known.
    :param required: whether the parent must carry it.
    :param choices: the texts that it may be; empty for any.
    :param warnings: remarks in prose, of which most are limits.
    :param information: remarks in prose, of which most are hints.
    :param children: of an object; of an Array, those of one element.
    """

    type: str = ""
    title: str = ""
    description: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    information: tuple[str, ...] = ()
    children: Mapping[str, "Node"] = {}

    @property
    def remarks(self) -> tuple[str, ...]:
        """All that the model says of it in prose, each text once."""
        return tuple(dict.fromkeys(self.warnings + self.information))


def node_of(model: object, depth: int = 0) -> Node:
    """Read a model, or a part of one; what is odd is left out.

    :param depth: levels above it; those below 32 are not read.
    """
    if not isinstance(model, Mapping) or depth > _DEEPEST:
        return Node()
    kind = model.get("type")
    kind = kind if isinstance(kind, str) and kind in _TYPES else ""
    validation = mapping(model.get("validation"))
    below = mapping(model.get("properties")) if kind in {"Array", "Object"} else {}
    return Node(
        type=kind,
        title=_text(model.get("displayName")),
        description=_text(model.get("description")),
        required=model.get("required") is True,
        choices=_choices(model.get("options")) if kind == "String" else (),
        warnings=_remarks(validation.get("warnings")),
        information=_remarks(validation.get("information")),
        children={
            name: node_of(child, depth + 1)
            for name, child in below.items()
            if isinstance(name, str)
        },
    )


def _choices(options: object) -> tuple[str, ...]:
    """Return the texts to choose from; none where one of them is not known."""
    found = []
    for option in options if isinstance(options, list | tuple) else ():
        known = mapping(option)
        texts = (known.get("value"), known.get("displayName"))
        usable = [t for t in texts if isinstance(t, str) and t.isprintable()]
        if not usable:
            return ()
        found.append(usable[0])
    return tuple(dict.fromkeys(found))


def _remarks(entries: object) -> tuple[str, ...]:
    listed = entries if isinstance(entries, list | tuple) else ()
    texts = (_text(mapping(entry).get("details")) for entry in listed)
    return tuple(text for text in texts if text)


def _text(value: object) -> str:
    """Return a text on one line; empty where it is none."""
    if not isinstance(value, str):
        return ""
    plain = "".join(c if c.isprintable() else " " for c in shortened(value))
    return " ".join(plain.split())


def mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping; an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}
