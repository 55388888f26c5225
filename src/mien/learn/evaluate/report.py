"""The report of an evaluation: one self-contained HTML file, with its charts inside."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from mien.learn.evaluate import charts
from mien.learn.evaluate.assessment import Assessment, Scores
from mien.learn.evaluate.reliability import BINS
from mien.tasks import Kind, Task

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#22303c;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:.6rem 0 1.2rem;font-variant-numeric:tabular-nums;display:block;overflow-x:auto}
th,td{padding:.15rem .8rem .15rem 0;text-align:right;border-bottom:1px solid #e6eaee;white-space:nowrap}
th:first-child,td:first-child{text-align:left} th{color:#4a5763;font-weight:600}
h1{font-size:1.5rem} h2{margin-top:2.2rem;border-bottom:2px solid #e6eaee} h3{margin-bottom:.2rem}
.note{color:#4a5763;font-size:.9rem} img{max-width:48%;vertical-align:top;margin-right:1%}
"""

LEGEND = f"""F1 of a class or label without a positive row is 0. Calibration error: the mean distance between
probability and actual share over {BINS} bins of equal width; lower is better, as for RMSE. An interval shows how a
metric would vary with other faces like these, not with another training run. Definitions: docs/evaluation.md."""

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The networks of an evaluation, and what they were evaluated on.

    Args:
        manifest: its path, as shown.
        split: the split of its rows.
        source: source of the data, from its metadata.
        weak: task -> why its labels are weak.
        resamples, seed: number of resamples of the intervals, and their seed.
        networks: name -> results.
        maps: network -> lines about labels that differ between network and manifest.
    """

    manifest: str
    split: str
    source: str | None
    weak: Mapping[str, str]
    resamples: int
    seed: int
    networks: Mapping[str, Assessment]
    maps: Mapping[str, Sequence[str]]


def html(found: Evaluation) -> str:
    """The whole page."""
    first = next(iter(found.networks.values()))
    notes = [
        f"Split {found.split} of {found.manifest}: {first.whole.rows} rows. {found.source or ''}",
        interval_note(first, found.resamples, found.seed),
        *(f"The labels of {task} are weak: {reason}" for task, reason in found.weak.items()),
    ]
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Evaluation</title><style>{STYLE}</style>",
        "<h1>Evaluation</h1>",
        *(f"<p class=note>{escape(note)}</p>" for note in notes),
        "<h2>Official metrics</h2>" + _table(*official(found.networks)),
    ]
    for name, assessment in found.networks.items():
        parts += _network(name, assessment, found.maps.get(name, ()))
    parts.append(f"<p class=note>{escape(LEGEND)}</p>")
    return "\n".join(parts) + "\n"


def interval_note(found: Assessment, resamples: int, seed: int) -> str:
    """One sentence about the intervals."""
    if not found.whole.intervals:
        alone = f"all rows are from one {found.unit}" if found.whole.units == 1 else "nothing is labelled"
        return f"No intervals: {alone if resamples else 'switched off'}."
    drawn = f"{found.whole.units} {found.unit}s, resampled {resamples} times (seed {seed})"
    return f"In brackets: 95 % bootstrap intervals over {drawn}."


def cell(part: Scores, name: str) -> str:
    """``value [low, high]``; empty without the metric."""
    if name not in part.metrics:
        return ""
    value = f"{part.metrics[name]:.3f}"
    low, high = part.intervals.get(name, (None, None))
    return value if low is None else f"{value} [{low:.3f}, {high:.3f}]"


def official(networks: Mapping[str, Assessment]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the table of official metrics: database and metric, and one column per network."""
    keys = dict.fromkeys(
        (base, name) for each in networks.values() for base, part in each.databases.items() for name in part.official
    )
    rows = []
    for base, name in keys:
        parts = [each.databases.get(base) for each in networks.values()]
        rows.append([f"{base} {name}".strip(), *("" if part is None else cell(part, name) for part in parts)])
    return ["official metric", *networks], rows


def _network(name: str, found: Assessment, maps: Sequence[str]) -> list[str]:
    parts = [f"<h2>{escape(name)}</h2>", *(f"<p class=note>Labels: {escape(line)}.</p>" for line in maps)]
    if found.missed:
        parts.append(f"<p class=note>{found.missed} rows have no prediction and count as errors.</p>")
    labelled = [task for task in found.tasks if f"{task.name}.faces" in found.whole.metrics]
    parts += [_task(found, task) for task in labelled]
    return parts + [_subgroups(column, groups) for column, groups in found.subgroups.items()]


def _task(found: Assessment, task: Task) -> str:
    of = {Kind.CLASSES: _classes, Kind.ATTRIBUTES: _attributes, Kind.CONTINUOUS: _continuous}[task.kind]
    rows = int(found.whole.metrics[f"{task.name}.faces"])
    return f"<h3>{escape(task.name)}: {rows} labelled rows</h3>" + of(found, task)


def _classes(found: Assessment, task: Task) -> str:
    means = ("accuracy", "mean_recall", "f1", "f1_present", "afa", "f1_uar")
    parts = [_means(found, task, means)]
    if (counts := found.confusion.get(task.name)) is not None:
        right, guessed, true = np.diag(counts), counts[:, : len(task)].sum(0), counts.sum(1)
        rows = [
            [
                label,
                str(true[index]),
                str(guessed[index]),
                _share(right[index], guessed[index]),
                cell(found.whole, f"{task.name}.recall.{label}"),
                _share(2 * right[index], true[index] + guessed[index]),
            ]
            for index, label in enumerate(task.labels)
        ]
        parts.append(_table(["class", "true", "predicted", "precision", "recall", "F1"], rows))
        parts.append(_picture(charts.png(charts.confusion(task, counts)), "confusion matrix"))
    return "".join(parts) + _reliability(found, task)


def _attributes(found: Assessment, task: Task) -> str:
    means = ("f1", "accuracy", "f1_present", "total_accuracy", "afa", "group_accuracy")
    errors = found.reliability.get(task.name, {})
    rows = []
    for label, (known, positive, guessed, both) in zip(task.labels, found.counts[task.name], strict=True):
        if known:
            error = f"{errors[label].error:.3f}" if label in errors else ""
            rows.append(
                [
                    label,
                    str(known),
                    str(positive),
                    str(guessed),
                    _share(both, guessed),
                    _share(both, positive),
                    cell(found.whole, f"{task.name}.f1.{label}") if positive else "0 (no positive)",
                    error,
                ]
            )
    head = ["label", "annotated", "positive", "predicted", "precision", "recall", "F1", "calibration error"]
    return _means(found, task, means) + _table(head, rows) + _reliability(found, task)


def _continuous(found: Assessment, task: Task) -> str:
    metrics = ("ccc", "pcc", "sagr", "rmse")
    rows = [
        [label, *(cell(found.whole, f"{task.name}.{metric}{end}") for metric in metrics)]
        for label, end in [*((label, f".{label}") for label in task.labels), ("mean", "")]
        if f"{task.name}.ccc{end}" in found.whole.metrics
    ]
    return _table(["dimension", "CCC", "PCC", "SAGR", "RMSE"], rows)


def _means(found: Assessment, task: Task, names: Sequence[str]) -> str:
    rows = [[name, shown] for name in names if (shown := cell(found.whole, f"{task.name}.{name}"))]
    return _table(["metric", "value"], rows)


def _reliability(found: Assessment, task: Task) -> str:
    each = found.reliability.get(task.name, {}).get(task.name)
    if each is None:
        return ""
    return _picture(charts.png(charts.reliability(task, each)), "reliability diagram")


def _subgroups(column: str, groups: Mapping[str, Scores]) -> str:
    names = list(dict.fromkeys(name for part in groups.values() for name in part.official))
    rows = [
        [value, str(part.rows), str(part.units), *(cell(part, name) for name in names)]
        for value, part in groups.items()
    ]
    return f"<h3>By {escape(column)}</h3>" + _table([column, "rows", "units", *names], rows)


def _share(above: int, below: int) -> str:
    return f"{above / below:.3f}" if below else ""


def _table(head: Sequence[str], rows: Rows) -> str:
    lines = ["<tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{escape(entry)}</td>" for entry in row) + "</tr>" for row in rows]
    return "<table>" + "\n".join(lines) + "</table>"


def _picture(content: bytes, title: str) -> str:
    return f'<img alt="{title}" src="data:image/png;base64,{base64.b64encode(content).decode()}">'
