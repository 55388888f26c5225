"""The results of a study: means, differences from the reference, and verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from mien.learn.evaluate.significance import (
    Estimate,
    PairedDifference,
    estimate,
    holm,
    paired_difference,
    transfer,
    verdict,
)
from mien.learn.study.plan import Study
from mien.learn.study.store import FinishedRun

Runs = Mapping[tuple[str, str], FinishedRun]
"""Finished runs by setting and repeat."""


@dataclass(frozen=True)
class SettingSummary:
    """The results of one setting.

    Args:
        setting: its name.
        n: the number of finished runs.
        values: values of each metric, by repeat.
        estimates: estimates by metric.
        differences: from the reference by metric; empty for the reference.
        verdicts: by task: ``negative``, ``positive`` or ``none shown``; None without an interval.
    """

    setting: str
    n: int
    values: Mapping[str, Mapping[str, float]]
    estimates: Mapping[str, Estimate | None]
    differences: Mapping[str, PairedDifference | None]
    verdicts: Mapping[str, str | None]

    @property
    def negative_transfer(self) -> bool | None:
        """Whether it is worse than the reference on at least one task; None if that is unknown."""
        return transfer(self.verdicts)


@dataclass(frozen=True)
class StudySummary:
    """The results of a study.

    Args:
        study: the study.
        metrics: the reported metrics.
        headlines: the headline metric of each task.
        rows: one per setting, in the study's order.
        failures: why a run is missing, by setting and repeat; empty if it has not run yet.
        versions: versions of mien and torch in all runs.
    """

    study: Study
    metrics: tuple[str, ...]
    headlines: Mapping[str, str]
    rows: tuple[SettingSummary, ...]
    failures: Mapping[tuple[str, str], str]
    versions: Mapping[str, tuple[str, ...]]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data: everything in the tables and charts."""
        file = self.study.file
        return {
            "format": 1,
            "name": self.study.name,
            "study": self.study.source,
            "repeat": file.repeat.model_dump(exclude_none=True),
            "runs": len(self.study.repeats),
            "reference": self.study.reference,
            "headlines": dict(self.headlines),
            "metrics": list(self.metrics),
            "settings": {row.setting: _plain(row) for row in self.rows},
            "missing": [
                {"setting": setting, "repeat": repeat, "reason": reason}
                for (setting, repeat), reason in self.failures.items()
            ],
            "versions": {name: list(found) for name, found in self.versions.items()},
        }


def _plain(row: SettingSummary) -> dict[str, Any]:
    metrics = {
        name: {
            "values": dict(row.values[name]),
            **(asdict(found) if (found := row.estimates[name]) else {}),
            "difference": asdict(apart) if (apart := row.differences.get(name)) else None,
        }
        for name in row.values
    }
    return {
        "runs": row.n,
        "metrics": metrics,
        "verdicts": dict(row.verdicts),
        "negative_transfer": row.negative_transfer,
    }


def summarise(study: Study, runs: Runs, errors: Mapping[tuple[str, str], str]) -> StudySummary:
    """Summarise a study.

    Args:
        study: the study.
        runs: its finished runs, at least one.
        errors: why other runs failed.
    """
    headlines = {task: metric for run in runs.values() for task, metric in run.headlines.items()}
    wanted = study.file.metrics or tuple(headlines.values())
    names = tuple(dict.fromkeys((*wanted, *headlines.values())))
    values = {
        setting: {metric: _values(study, runs, setting, metric) for metric in names} for setting in study.file.settings
    }
    differences = _differences(study, values, names)
    rows = []
    for setting, found in values.items():
        estimates = {name: estimate(list(found[name].values()), study.overlap) for name in names}
        apart = differences[setting]
        shown = {} if setting == study.reference else {t: verdict(apart[metric]) for t, metric in headlines.items()}
        n = sum(1 for key in runs if key[0] == setting)
        rows.append(SettingSummary(setting, n, found, estimates, apart, shown))
    gaps = {
        (setting, repeat.name): errors.get((setting, repeat.name), "")
        for setting in study.file.settings
        for repeat in study.repeats
        if (setting, repeat.name) not in runs
    }
    versions = {
        name: tuple(sorted({run.versions[name] for run in runs.values() if name in run.versions}))
        for name in ("mien", "torch")
    }
    return StudySummary(study, wanted, headlines, tuple(rows), gaps, versions)


def _values(study: Study, runs: Runs, setting: str, metric: str) -> dict[str, float]:
    """A metric of a setting by repeat, without missing runs."""
    found = {repeat.name: runs.get((setting, repeat.name)) for repeat in study.repeats}
    return {name: run.metrics[metric] for name, run in found.items() if run is not None and metric in run.metrics}


def _differences(
    study: Study, values: Mapping[str, Mapping[str, Mapping[str, float]]], names: tuple[str, ...]
) -> dict[str, dict[str, PairedDifference | None]]:
    """By setting and metric, over the repeats that both have, with Holm's adjustment over the settings."""
    others = [setting for setting in values if setting != study.reference]
    found: dict[str, dict[str, PairedDifference | None]] = {setting: {} for setting in values}
    for name in names:
        reference = values[study.reference][name]
        for setting in others:
            shared = [repeat for repeat in values[setting][name] if repeat in reference]
            own = values[setting][name]
            found[setting][name] = paired_difference(
                [own[repeat] for repeat in shared], [reference[repeat] for repeat in shared], study.overlap
            )
        adjusted = holm([apart.p if (apart := found[setting][name]) else None for setting in others])
        for setting, p in zip(others, adjusted, strict=True):
            if (apart := found[setting][name]) is not None:
                found[setting][name] = replace(apart, p_holm=p)
    return found
