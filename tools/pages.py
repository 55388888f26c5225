"""Fill the tables of docs/weights.md and docs/compounds.md from docs/results; no number is typed by hand.

python tools/pages.py
"""

import json
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

from mien.tasks import ACTION_UNITS

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs/results"
PAGES = [ROOT / "docs" / name for name in ("weights.md", "compounds.md")]
BLOCK = re.compile(r"(<!-- table: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
CARD = runpy.run_path(str(ROOT / "tools/weights/model_card.py"))
UNSEEN = [unit for unit in ACTION_UNITS.labels if unit not in (*CARD["TAUGHT"], *CARD["COUPLED"], *CARD["RENDERED"])]
"""The action units that renders show and the teacher cannot detect."""


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; empty cells stay empty."""
    lines = [head, ["---"] * len(head), *rows]
    return re.sub(r"\|  (?=\|)", "| ", "".join(f"| {' | '.join(line)} |\n" for line in lines))


def read(name: str) -> dict[str, Any]:
    """A result from docs/results."""
    return dict(json.loads((RESULTS / f"{name}.json").read_text()))


def percent(value: float | None) -> str:
    """A share in percent; empty for None."""
    return "" if value is None else f"{100 * value:.1f}"


def ablation() -> str:
    """One line per setting: its metrics on photos and on renders, in percent."""
    rows, by_eye = [], read("by_eye")["comparison"]
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
            by_eye.get(setting),
        ]
        rows.append([setting, *map(percent, cells)])
    units = ["units, photos", "affect, CCC", "units, renders", "unseen units, renders", "units by eye, AUC"]
    return table(["setting", "accuracy", "mean recall", *units], rows)


def alignment() -> str:
    """How much the crops of the same face differ, on portraits and on enlarged small photos."""
    found = read("alignment")
    parts = {
        "turn in degrees": (1, "rotation, degrees"),
        "scale": (100, "scale, %"),
        "place": (100, "position, % of the side"),
    }
    kinds = ("deviation", "95th percentile")
    rows = [
        [name, *(f"{factor * each[f'{part}, {kind}']:.1f}" for each in found.values() for kind in kinds)]
        for part, (factor, name) in parts.items()
    ]
    return table(["", *(f"{name}: {kind}" for name in found for kind in kinds)], rows)


def precision() -> str:
    """One line per network and number of bits."""
    metrics = ("expression.accuracy", "expression.mean_recall", "action_units.f1_present", "affect.ccc")
    rows = [
        [f"`{name}`, {bits} bits", f"{each['megabytes']:.1f}", f"{each['time as a ratio to 32 bits']:.2f}"]
        + [percent(each[key]) for key in metrics]
        for name, kinds in read("precision").items()
        for bits, each in kinds.items()
    ]
    return table(["network", "MB", "time", "accuracy", "mean recall", "units, photos", "affect, CCC"], rows)


def by_eye() -> str:
    """One line per unit: the number of photos that visibly show it, and the F1 of labels and networks."""
    found = read("by_eye")["units"]
    sources = list(dict.fromkeys(source for each in found.values() for source in each if source != "shown"))
    rows = [
        [unit, str(each["shown"]), *(percent(each.get(source)) for source in sources)] for unit, each in found.items()
    ]
    return table(["unit", "photos that show it", *sources], rows)


def compounds() -> str:
    """One line per kind of inputs: the mean diagonal over RAF-DB's compounds, by the terms of the score."""
    terms = ("I", "F", "I + F", "I + F + D")
    rows = [
        [f"{found['raf_db']['I']['faces']} {name}", *(f"{found['raf_db'][term]['mean_recall']:.2f}" for term in terms)]
        for name, found in inputs().items()
    ]
    return table(["faces", *terms], rows)


def sixteen() -> str:
    """Two lines per kind of inputs: basic or compound, with a basic class counted once or mixed with itself."""
    metrics = ("mean_recall", "f1", "basic_told_basic", "compound_told_compound")
    rows = [
        [f"{each['faces']:,} {name}", kind, *(f"{each[metric]:.2f}" for metric in metrics)]
        for name, found in inputs().items()
        for kind, each in found["emotionet"].items()
    ]
    head = ["faces", "basic class in F", "mean diagonal", "F1", "basic as basic", "compound as compound"]
    return table(head, rows)


def inputs() -> dict[str, Any]:
    """The kinds of inputs that compounds were predicted from."""
    return {name: found for name, found in read("compounds").items() if name != "network"}


CONTRADICTIONS = ("unsupported", "contradicted", "valence_against", "inconsistent", "gap")


def consistency() -> str:
    """One line per kind of faces and table: shares of faces that contradict it."""
    rows = [
        [f"{each['faces']:,} {name}", f"`{setting.partition(',')[0]}`", *(f"{each[key]:.3f}" for key in CONTRADICTIONS)]
        for name, found in read("consistency").items()
        if name != "network"
        for setting, each in found.items()
        if setting.endswith("margin 0")
    ]
    return table(["faces", "table", *(key.replace("_", " ") for key in CONTRADICTIONS)], rows)


def coupling() -> str:
    """One line per network: the same shares for a small network without and with couplings."""
    metrics = (*CONTRADICTIONS, "expression.accuracy", "action_units.f1")
    rows = [
        [name.partition("_")[0], *(f"{each[key]:.3f}" for key in metrics)]
        for name, each in read("consistency_coupling").items()
    ]
    return table(["network", *(key.replace("_", " ") for key in CONTRADICTIONS), "accuracy", "AU F1"], rows)


TABLES: dict[str, Callable[[], str]] = {
    "ablation": ablation,
    "by_eye": by_eye,
    "alignment": alignment,
    "precision": precision,
    "compounds": compounds,
    "sixteen": sixteen,
    "consistency": consistency,
    "coupling": coupling,
}


def filled(page: str) -> str:
    """The page with all its tables filled in."""
    return BLOCK.sub(lambda found: found[1] + TABLES[found["name"]]() + found[3], page)


if __name__ == "__main__":
    for each in PAGES:
        each.write_text(filled(each.read_text()))
