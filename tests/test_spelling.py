"""Names in messages, and checks of choices."""

from dataclasses import dataclass
from typing import Literal

import pytest

from mien.spelling import check_choices, did_you_mean, listed


@dataclass(frozen=True)
class Options:
    colour: Literal["red", "green"] = "red"
    name: str = "any"


def test_the_closest_known_word_is_suggested() -> None:
    assert did_you_mean("happines", ["fear", "happiness"]) == "; did you mean happiness?"
    assert did_you_mean("xyz", ["fear", "happiness"]) == "; known: fear, happiness"


def test_a_long_list_is_cut() -> None:
    assert listed(["a", "b", "c"], 3) == "a, b, c"
    assert listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"


def test_a_field_outside_its_choices_is_named() -> None:
    check_choices(Options("green", "other"))
    with pytest.raises(ValueError, match=r"^Options: colour must be one of red, green, not 'blue'$"):
        check_choices(Options("blue"))  # type: ignore[arg-type]
