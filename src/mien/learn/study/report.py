"""The files of a study's report: Markdown, CSV and JSON; :mod:`mien.learn.study.plot` draws the chart."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mien.atomic import replace_text
from mien.learn.evaluate.significance import Estimate, PairedDifference
from mien.learn.study.plot import draw, scale
from mien.learn.study.summary import Runs, SettingSummary, StudySummary

MARKDOWN, TABLE, RUNS, JSON, PLOT = "report.md", "table.csv", "runs.csv", "study.json", "plot.png"


def write_report(folder: Path, summary: StudySummary, runs: Runs, command: str) -> None:
    """Write all files of the report; settings without runs are only listed.

    Args:
        folder: folder of the study.
        summary: summary of its finished runs.
        runs: the same runs, with all metrics.
        command: the command that trains them.
    """
    kept = tuple(row for row in summary.rows if row.n or row.setting == summary.study.reference)
    shown = replace(summary, rows=kept)
    replace_text(folder / MARKDOWN, markdown(shown, command))
    replace_text(folder / TABLE, _csv(*table(summary)))
    replace_text(folder / RUNS, _csv(*every_run(runs)))
    replace_text(folder / JSON, json.dumps({"command": command, **summary.to_dict()}, indent=1) + "\n")
    draw(shown, folder / PLOT)


def decimals(rows: Sequence[SettingSummary], metric: str) -> int:
    """The number of decimals at which the spread between runs is visible."""
    factor = scale(metric)[0]
    if factor == 1:
        return 3
    spreads = sorted(found.sd * factor for row in rows if (found := row.estimates[metric]) and found.sd is not None)
    typical = spreads[len(spreads) // 2] if spreads else 1.0
    return 2 if typical < 0.5 else 1


def show(found: Estimate | None, metric: str, digits: int) -> str:
    """``mean ± sd`` in the unit of the metric."""
    if found is None:
        return ""
    factor = scale(metric)[0]
    mean = f"{found.mean * factor:.{digits}f}"
    return mean if found.sd is None else f"{mean} ± {found.sd * factor:.{digits}f}"


def show_difference(found: PairedDifference | None, metric: str, digits: int) -> str:
    """``difference [low, high], p, Holm's p``, in the unit of the metric."""
    if found is None:
        return ""
    factor = scale(metric)[0]
    mean = f"{found.mean * factor:+.{digits}f}"
    if found.low is None or found.high is None or found.p is None or found.p_holm is None:
        return mean
    interval = f"[{found.low * factor:+.{digits}f}, {found.high * factor:+.{digits}f}]"
    return f"{mean} {interval}, p {_p(found.p)}, Holm {_p(found.p_holm)}"


def _p(value: float) -> str:
    return "1" if value >= 0.9995 else "< .001" if value < 0.0005 else f"{value:.3f}".removeprefix("0")


def verdict_of(row: SettingSummary, reference: str) -> str:
    """The verdict of a setting in words."""
    if row.setting == reference:
        return "reference"
    if row.negative_transfer is None:
        return "too few runs"
    return "negative transfer" if row.negative_transfer else "no negative transfer shown"


def markdown(summary: StudySummary, command: str) -> str:
    """The report as a page."""
    reference = summary.study.reference
    parts = [
        f"# {summary.study.name}",
        f"`{command}`, {design(summary)}. Metrics are of the last epoch; mean ± standard deviation between runs.",
        _grid(means(summary)),
        f"![The same metrics: one point per run, the mean and its 95 % interval; colours by verdict]({PLOT})",
    ]
    if len(summary.rows) > 1:
        parts += [
            f"## Differences from {reference}",
            "Paired by run: mean, 95 % interval, p value, and the p value adjusted by Holm's method for the number of "
            f"settings that are compared. {_test(summary)}",
            _grid(differences(summary)),
            "## Verdicts",
            f"`negative`: the interval of the difference from {reference} is below 0; `positive`: above 0; "
            "`none shown`: it contains 0, which does not prove that there is no difference.",
            _grid(verdicts(summary)),
        ]
    if summary.failures:
        parts += [
            "## Missing runs",
            "\n".join(f"- {' '.join(key)}: {why or 'not run yet'}" for key, why in summary.failures.items()),
        ]
    versions = ", ".join(f"{name} {' and '.join(found)}" for name, found in summary.versions.items())
    return "\n\n".join([*parts, f"Made with {versions}."]) + "\n"


def means(summary: StudySummary) -> list[list[str]]:
    """The table of means, header first."""
    digits = {name: decimals(summary.rows, name) for name in summary.metrics}
    head = ["setting", "runs", *map(_titled, summary.metrics), "verdict"]
    return [head] + [
        [
            row.setting,
            str(row.n),
            *(show(row.estimates[name], name, digits[name]) for name in summary.metrics),
            verdict_of(row, summary.study.reference),
        ]
        for row in summary.rows
    ]


def differences(summary: StudySummary) -> list[list[str]]:
    """The table of differences from the reference, header first."""
    digits = {name: decimals(summary.rows, name) for name in summary.metrics}
    return [["setting", *map(_titled, summary.metrics)]] + [
        [row.setting, *(show_difference(row.differences[name], name, digits[name]) for name in summary.metrics)]
        for row in summary.rows
        if row.setting != summary.study.reference
    ]


def verdicts(summary: StudySummary) -> list[list[str]]:
    """The table of verdicts, header first."""
    return [["setting", *(f"{task} (by {metric})" for task, metric in summary.headlines.items())]] + [
        [row.setting, *(row.verdicts[task] or "" for task in summary.headlines)]
        for row in summary.rows
        if row.setting != summary.study.reference
    ]


def _titled(metric: str) -> str:
    return metric + scale(metric)[1]


def design(summary: StudySummary) -> str:
    """The repeats of a study in words."""
    repeat = summary.study.file.repeat
    if repeat.seeds is not None:
        return f"seeds {', '.join(map(str, repeat.seeds))}"
    grouped = f" grouped by {repeat.group}" if repeat.group else ""
    return f"{repeat.times} x {repeat.folds}-fold cross-validation{grouped}"


def _test(summary: StudySummary) -> str:
    if summary.study.overlap:
        return (
            "The t-test is corrected for folds that share rows (Nadeau and Bengio, 2003: variance factor "
            f"1/J + {summary.study.overlap:.3g}, J runs)."
        )
    return "The t-test is the ordinary paired one: it is about other seeds, not about other data."


def _grid(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def table(summary: StudySummary) -> tuple[list[str], list[list[object]]]:
    """One line per setting and metric, unrounded."""
    head = ["setting", "metric", "runs", "mean", "sd", "low", "high", "difference", "difference_low"]
    head += ["difference_high", "p", "p_holm", "verdict"]
    tasks = {metric: task for task, metric in summary.headlines.items()}
    lines: list[list[object]] = []
    for row in summary.rows:
        for name in row.estimates:
            found, apart = row.estimates[name], row.differences.get(name)
            lines.append(
                [row.setting, name, found.n if found else 0]
                + ([found.mean, found.sd, found.low, found.high] if found else [None] * 4)
                + ([apart.mean, apart.low, apart.high, apart.p, apart.p_holm] if apart else [None] * 5)
                + [row.verdicts.get(tasks.get(name, ""))]
            )
    return head, lines


def every_run(runs: Runs) -> tuple[list[str], list[list[object]]]:
    """One line per run, with all its metrics."""
    names = list(dict.fromkeys(name for run in runs.values() for name in run.metrics))
    head = ["setting", "repeat", "seed", "seconds", *names]
    lines: list[list[object]] = [
        [run.setting, run.repeat, run.recipe["seed"], run.seconds, *(run.metrics.get(name) for name in names)]
        for run in runs.values()
    ]
    return head, lines


def _csv(head: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return text.getvalue()
