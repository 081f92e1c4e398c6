"""The query language against Python's own operators."""

import operator
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.simulator.rules.query import (
    Kind,
    MalformedQueryError,
    compile_query,
)

FIELDS: dict[str, Kind] = {"n": "number", "word": "text", "deep.n": "number"}
SIGNS = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
LEAVES = st.tuples(
    st.sampled_from(["n", "deep.n"]), st.sampled_from(list(SIGNS)), st.integers(-3, 3)
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.tuples(
        st.sampled_from(["&&", "||"]), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


def write(tree: tuple[object, ...]) -> str:
    if len(tree) == 3:
        return "".join(map(str, tree))
    sign, parts = tree
    return str(sign).join(f"{{{write(part)}}}" for part in parts)


def judge(tree: tuple[object, ...], value: Mapping[str, int]) -> bool:
    if len(tree) == 3:
        name, sign, right = tree
        return SIGNS[sign](value[name], right)
    sign, parts = tree
    results = [judge(part, value) for part in parts]
    return all(results) if sign == "&&" else any(results)


@given(TREES, st.integers(-3, 3), st.integers(-3, 3))
def test_against_python(tree: tuple[object, ...], plain: int, deep: int) -> None:
    """Any tree of comparisons means what Python makes of it, dotted names included."""
    holds = compile_query(write(tree), FIELDS)
    expected = judge(tree, {"n": plain, "deep.n": deep})
    assert holds({"n": plain, "deep": {"n": deep}}) == expected


@given(st.text(alphabet="nword.=!<>~&|{} 1", max_size=30))
def test_any_text(text: str) -> None:
    """Whatever is asked is understood or refused: nothing else happens."""
    with suppress(MalformedQueryError):
        assert compile_query(text, FIELDS)({"n": 1, "word": "x"}) in {True, False}


def test_and_binds_closer_than_or() -> None:
    """Without groups, && binds more closely than ||."""
    holds = compile_query("n=1||n=2&&n=3", FIELDS)
    assert holds({"n": 1})
    assert not holds({"n": 2})


@pytest.mark.parametrize("sign", ["=", ">", "<", ">=", "<=", "~"])
def test_absent(sign: str) -> None:
    """What is absent satisfies only '!='."""
    assert not compile_query(f"n{sign}1", FIELDS)({})
    assert compile_query("n!=1", FIELDS)({"n": None})


def test_longest() -> None:
    """A query of 2048 characters or more is refused."""
    with pytest.raises(MalformedQueryError):
        compile_query("word=" + "x" * 2043, FIELDS)
    assert compile_query("word=" + "x" * 2042, FIELDS)
