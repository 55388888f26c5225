"""The compound sets of Du 2014, RAF-DB and EmotioNet with their action units, and sets from a user's file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from mien.compound import Compound, Compounds, basic_units
from mien.spelling import did_you_mean
from mien.tasks import COMPOUND


def _compound(label: str, first: str, second: str, always: str, **sometimes: float) -> Compound:
    """A row of the table: the prototypical units by name, the others with the share of people that show them."""
    units = {**dict.fromkeys(always.split(), 1.0), **sometimes}
    return Compound(label, (first, second), units, label in ("happily surprised", "happily disgusted"))


_ROWS = (
    _compound("happily surprised", "happiness", "surprise", "AU01 AU02 AU12 AU25", AU05=0.64, AU26=0.67),
    _compound("happily disgusted", "happiness", "disgust", "AU10 AU12 AU25", AU04=0.32, AU06=0.61, AU09=0.59),
    _compound("sadly fearful", "sadness", "fear", "AU01 AU04 AU20 AU25", AU02=0.46, AU05=0.24, AU06=0.34, AU15=0.3),
    _compound("sadly angry", "sadness", "anger", "AU04 AU15", AU06=0.26, AU07=0.48, AU17=0.5),
    _compound("sadly surprised", "sadness", "surprise", "AU01 AU04 AU25 AU26", AU02=0.27, AU06=0.31),
    _compound(
        "sadly disgusted", "sadness", "disgust", "AU04 AU10",
        AU01=0.49, AU06=0.61, AU09=0.2, AU15=0.54, AU17=0.47, AU25=0.43,
    ),
    _compound("fearfully angry", "fear", "anger", "AU04 AU20 AU25", AU05=0.4, AU07=0.39, AU10=0.3),
    _compound(
        "fearfully surprised", "fear", "surprise", "AU01 AU02 AU05 AU20 AU25", AU04=0.47, AU10=0.35, AU26=0.51
    ),
    _compound(
        "fearfully disgusted", "fear", "disgust", "AU01 AU04 AU10 AU20 AU25",
        AU02=0.64, AU05=0.5, AU06=0.26, AU09=0.28, AU15=0.33,
    ),
    _compound("angrily surprised", "anger", "surprise", "AU04 AU25 AU26", AU05=0.35, AU07=0.5, AU10=0.34),
    _compound("angrily disgusted", "anger", "disgust", "AU04 AU10 AU17", AU07=0.6, AU09=0.57, AU24=0.36),
    _compound(
        "disgustedly surprised", "disgust", "surprise", "AU01 AU02 AU05 AU10",
        AU04=0.45, AU09=0.37, AU17=0.66, AU24=0.33,
    ),
    _compound("appalled", "disgust", "anger", "AU04 AU10", AU06=0.25, AU09=0.56, AU17=0.67, AU24=0.36),
    _compound("hatred", "anger", "disgust", "AU04 AU10", AU07=0.57, AU09=0.27, AU17=0.63, AU24=0.37),
    _compound("awed", "surprise", "fear", "AU01 AU02 AU05 AU25", AU04=0.21, AU20=0.62, AU26=0.56),
)  # fmt: skip

_TABLE = (
    "S. Du, Y. Tao and A. M. Martinez 2014, Compound facial expressions of emotion, Table 1. The papers print its "
    "basic rows only; the compound rows are as three public copies quote them, which agree, not compared with the "
    "original; AU11 is not predicted and is left out"
)

DU_2014 = Compounds("du_2014", _ROWS, _TABLE)
"""All fifteen compounds. Appalled and hatred both mix disgust and anger, and awed mixes surprise and fear; equation 8
does not model which of the two dominates."""

RAF_DB = Compounds("raf_db", tuple(each for each in _ROWS if each.label in COMPOUND.labels), _TABLE)
"""The eleven classes of RAF-DB, in the order of ``mien.tasks.COMPOUND``."""

_EMOTIONET = (
    "angrily disgusted", "angrily surprised", "appalled", "awed", "fearfully angry", "fearfully surprised",
    "happily disgusted", "happily surprised", "sadly angry", "sadly disgusted",
)  # fmt: skip

EMOTIONET_COMPOUND = Compounds(
    "emotionet_compound", tuple(each for name in _EMOTIONET for each in _ROWS if each.label == name), _TABLE
)
"""EmotioNet's ten compounds, without the basic classes."""

_BASIC = {
    "happy": "happiness", "sad": "sadness", "fearful": "fear", "angry": "anger", "surprised": "surprise",
    "disgusted": "disgust",
}  # fmt: skip

EMOTIONET = Compounds(
    "emotionet",
    (
        *(Compound(label, (name,), basic_units((name,)), label == "happy") for label, name in _BASIC.items()),
        *EMOTIONET_COMPOUND.classes,
    ),
    f"{_TABLE}; which sixteen classes the challenge of 2017 has: papers/003 gives their numbers, a public program of a "
    "participant the names",
)
"""EmotioNet's six basic classes and ten compounds: the largest score also decides between basic and compound.

The papers do not say how a basic class is scored. Ours: equation 8 with one expression, and happy includes the valence
term D, since otherwise it could never win against a class that has it. docs/compounds.md reports how often this is
right, and how often mixing a basic class with itself is."""

NAMED: dict[str, Compounds] = {each.name: each for each in (RAF_DB, EMOTIONET, EMOTIONET_COMPOUND, DU_2014)}
"""The sets that are available by name."""


def load(name: str | os.PathLike[str], weighting: str = "fractions", temperature: float = 1.0) -> Compounds:
    """Load a named set, or a YAML file with one class per line::

        bored: {expressions: [neutral, sadness], units: {AU04: 0.3}}
        delighted: {expressions: [happiness, surprise], positive: true}

    ``expressions`` is required. A class without ``units`` gets those of its expressions in the papers' Table 1, each
    with its larger weight. ``positive`` is false by default.

    Args:
        name: one of :data:`NAMED`, or a path that ends in .yaml or .yml.
        weighting: one of :data:`mien.compound.WEIGHTINGS`; see :meth:`mien.compound.Compounds.weighted`.
        temperature: divides the scores before the softmax; above 0.

    Raises:
        ValueError: for an unknown name, or a file that cannot be read or does not describe classes; the message is one
            line.

    Example:
        >>> [each.label for each in load("raf_db").classes][:2]
        ['happily surprised', 'happily disgusted']
    """
    name = os.fspath(name)
    if name in NAMED:
        found = NAMED[name]
    elif Path(name).suffix.lower() in (".yaml", ".yml"):
        found = _read_set(Path(name))
    else:
        raise ValueError(f"{name}: no such compounds, and not a .yaml file{did_you_mean(name, NAMED)}")
    return replace(found.weighted(weighting), temperature=temperature)


def _read_set(path: Path) -> Compounds:
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path}: expected a mapping from the names of compounds to their expressions and units")
    try:
        classes = tuple(_read_class(str(label), entry) for label, entry in data.items())
        return Compounds(path.name, classes, f"the file {path.name}")
    except ValueError as error:
        raise ValueError(str(error) if str(error).startswith(path.name) else f"{path.name}: {error}") from None


_KEYS = ("expressions", "units", "positive")


def _read_class(label: str, entry: Any) -> Compound:
    if not isinstance(entry, dict) or "expressions" not in entry:
        raise ValueError(f"{label}: expected expressions, and optionally units and positive")
    if unknown := [str(key) for key in entry if key not in _KEYS]:
        raise ValueError(f"{label}: unknown key {unknown[0]}{did_you_mean(unknown[0], _KEYS)}")
    expressions, positive = entry["expressions"], entry.get("positive", False)
    if not isinstance(expressions, list) or not all(isinstance(name, str) for name in expressions):
        raise ValueError(f"{label}: expressions must be a list of names")
    if not isinstance(positive, bool):
        raise ValueError(f"{label}: positive must be true or false")
    units = entry.get("units")
    if units is None:
        try:
            units = basic_units(expressions)
        except ValueError as error:
            raise ValueError(f"{label}: {error}") from None
    numbers = isinstance(units, dict) and all(
        isinstance(weight, int | float) and not isinstance(weight, bool) for weight in units.values()
    )
    if not numbers:
        raise ValueError(f"{label}: units must be a mapping from action units to weights")
    return Compound(label, tuple(expressions), {str(unit): float(weight) for unit, weight in units.items()}, positive)
