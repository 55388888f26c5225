"""Suggestions for misspelled names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown word: the closest known word, or all known words.

    Example:
        >>> did_you_mean("happines", ["happiness", "fear"])
        '; did you mean happiness?'
    """
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"
