"""Shared by the commands that exclude or split rows: adding steps, and printing all steps of a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.learn.data.steps.history import Step


def add_and_print(manifest: Path, steps: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Add steps, each a name with its parameters, and print what all steps did."""
    from mien.learn.data.steps.history import Step, add_steps

    print_steps(add_steps(manifest, [Step(name, dict(parameters)) for name, parameters in steps]))


def print_steps(steps: Sequence[Step]) -> None:
    """Print one line per step, and one per reason where rows are excluded for several."""
    for step in steps:
        given = ", ".join(f"{key} {value}" for key, value in step.parameters.items() if value is not None)
        did = ", ".join(f"{count} {name}" for name, count in step.reasons.items()) if step.name == "split" else ""
        print(f"{step.name}{f' ({given})' if given else ''}: {did or f'{step.rows} rows excluded'}")
        for reason, count in step.reasons.items() if step.name != "split" and len(step.reasons) > 1 else ():
            print(f"  {count} {reason}")
    if not steps:
        print("no steps")


def first_classes(manifest: Path) -> str | None:
    """The first classification task of a manifest; None if it has none."""
    from mien.learn.data.manifest import read_metadata
    from mien.tasks import Kind

    return next((task.name for task in read_metadata(manifest)[1] if task.kind is Kind.CLASSES), None)
