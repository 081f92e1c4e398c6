"""A write is never made twice, whatever befalls it: the laws of ``create_story``."""

from typing import Any

from codat_model import ACTS_WITHIN_SECONDS, START, stories, told
from create_story import Story
from hypothesis import given
from hypothesis import strategies as st

AFTER_A_500: dict[str, tuple[Any, ...]] = {
    "on_unknown_outcome": ("reconcile",),
    "without a journal": (False,),
    "the first POST is answered by 500": (True,),
    "strangers": (0,),
    "the answer to the POST": ("whole", "whole", "none", "429"),
    "it arrives": ("never", "now", "late", "late"),
    "acts after": (ACTS_WITHIN_SECONDS,),
    "something befalls it": (True,),
    "further tries": (2, 3),
}


any_numbers = st.binary(min_size=200, max_size=400)


@stories
@given(any_numbers)
def test_second_key(numbers: bytes) -> None:
    """A second key is sent only where the first has made no record, and never will."""
    with told(Story, numbers, AFTER_A_500) as story:
        story.tell()


@stories
@given(any_numbers)
def test_exactly_once(numbers: bytes) -> None:
    """Whatever happens, laws 1 to 8 hold: one record is made, or a person is asked."""
    with told(Story, numbers, {}) as story:
        story.tell()


@stories
@given(any_numbers)
def test_two_at_once(numbers: bytes) -> None:
    """Two tries that live at once, and keep no journal, make one record.

    They send the same key, whichever of them goes on at any moment.
    """
    with told(Story, numbers, {"without a journal": (True,)}) as story:
        pair = [story.begin(None), story.begin(START)]
        while pair:
            process = pair[story.chance("goes on", *range(len(pair)))]
            asked = story.go_on(process)
            if asked is None:
                pair.remove(process)
            else:
                story.do(process, asked)
        story.codat.wait(3 * 86_400)
        story.check_books()
