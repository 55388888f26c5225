"""Fill the tables of docs/weights.md from docs/results; no figure is typed by hand.

python tools/weights/page.py
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

ROOT = Path(__file__).parents[2]
RESULTS, PAGE = ROOT / "docs/results", ROOT / "docs/weights.md"
BLOCK = re.compile(r"(<!-- table: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
UNSEEN = ("AU06", "AU09", "AU10", "AU15", "AU24", "AU26")
"""The units that renders show and the teacher is blind to."""


def table(head: list[str], rows: list[list[str]]) -> str:
    """In Markdown; an empty cell stays one."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)


def read(name: str) -> dict[str, Any]:
    """A kept result."""
    return dict(json.loads((RESULTS / f"{name}.json").read_text()))


def shown(value: float | None) -> str:
    """A share in percent, or nothing."""
    return "" if value is None else f"{100 * value:.1f}"


def ablation() -> str:
    """A line a setting: what it is worth on photos and on renders, in percent."""
    rows = []
    for setting, found in read("weights_ablation").items():
        photos, renders = found["photos"], found["renders"]
        unseen = [renders[key] for unit in UNSEEN if (key := f"action_units.f1.{unit}") in renders]
        cells = [
            photos.get("expression.accuracy"),
            photos.get("expression.mean_recall"),
            photos.get("action_units.f1_present"),
            photos.get("affect.ccc"),
            renders.get("action_units.f1_present"),
            fmean(unseen) if unseen else None,
        ]
        rows.append([setting, *map(shown, cells)])
    head = ["setting", "accuracy", "mean recall", "units, photos", "affect, CCC", "units, renders", "of them unseen"]
    return table(head, rows)


def alignment() -> str:
    """How far crops of the same face lie apart, on portraits and on enlarged small photos."""
    found = read("alignment")
    parts = {
        "turn in degrees": (1, "turn, degrees"),
        "scale": (100, "scale, %"),
        "place": (100, "place, % of the side"),
    }
    kinds = ("deviation", "95th percentile")
    rows = [
        [name, *(f"{factor * each[f'{part}, {kind}']:.1f}" for each in found.values() for kind in kinds)]
        for part, (factor, name) in parts.items()
    ]
    return table(["", *(f"{name}: {kind}" for name in found for kind in kinds)], rows)


def precision() -> str:
    """A line a network and number of bits."""
    figures = ("expression.accuracy", "expression.mean_recall", "action_units.f1_present", "affect.ccc")
    rows = [
        [f"`{name}`, {bits} bits", f"{each['megabytes']:.1f}", f"{each['time as a ratio to 32 bits']:.2f}"]
        + [shown(each[key]) for key in figures]
        for name, kinds in read("precision").items()
        for bits, each in kinds.items()
    ]
    return table(["network", "MB", "time", "accuracy", "mean recall", "units, photos", "affect, CCC"], rows)


TABLES: dict[str, Callable[[], str]] = {"ablation": ablation, "alignment": alignment, "precision": precision}


def filled(page: str) -> str:
    """The page with every table that it names."""
    return BLOCK.sub(lambda found: found[1] + TABLES[found["name"]]() + found[3], page)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
