"""Names in messages: suggestions for misspelled ones, checks of choices, short lists."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Literal, get_args, get_origin, get_type_hints


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the closest known word, or else list all of them, to end an error message about an unknown word.

    Example:
        >>> did_you_mean("happines", ["happiness", "fear"])
        '; did you mean happiness?'
    """
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"


def listed(names: Sequence[str], most: int) -> str:
    """Names, separated by commas; of more than ``most``, the first ones and how many more.

    Example:
        >>> listed(["anger", "disgust", "fear"], 2)
        'anger, disgust and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def check_choices(options: object) -> None:
    """Check the fields of a dataclass that are typed as a ``Literal``.

    Raises:
        ValueError: if a value is not one of the choices; the message names the first such field.
    """
    for name, hint in get_type_hints(type(options)).items():
        if get_origin(hint) is Literal and (value := getattr(options, name)) not in get_args(hint):
            choices = ", ".join(get_args(hint))
            raise ValueError(f"{type(options).__name__}: {name} must be one of {choices}, not {value!r}")
