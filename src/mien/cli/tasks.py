"""``mien tasks``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from mien.cli.terminal import print_table


def tasks(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print every label with its column, range and meaning.

    The list has all tasks of the face label space. The networks do not predict compound expressions; `mien annotate
    --compounds` derives them.

    Example:
      mien tasks
    """
    from mien.tasks import ALL_TASKS

    if as_json:
        print(json.dumps([{**task.to_dict(), "range": task.range} for task in ALL_TASKS], indent=2))
        return
    rows = [
        [task.name, task.kind.value, label, f"[{task.range[0]:g}, {task.range[1]:g}]", meaning]
        for task in ALL_TASKS
        for label, meaning in zip(task.labels, task.meanings, strict=True)
    ]
    print_table(["task", "kind", "column", "range", "meaning"], rows)
