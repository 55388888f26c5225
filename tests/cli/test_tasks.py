"""``mien tasks``."""

import json
from collections.abc import Callable

from typer.testing import Result

from mien.tasks import ALL_TASKS


def test_every_label_is_printed(mien: Callable[..., Result]) -> None:
    lines = mien("tasks").stdout.splitlines()
    assert lines[0] == "task\tkind\tcolumn\trange\tmeaning"
    assert any(line.startswith("affect\tcontinuous\tvalence\t[-1, 1]\t") for line in lines)
    assert len(lines) == 1 + sum(len(task) for task in ALL_TASKS)


def test_json(mien: Callable[..., Result]) -> None:
    listed = json.loads(mien("tasks", "--json").stdout)
    assert [task["name"] for task in listed] == [task.name for task in ALL_TASKS]
    assert listed[0]["range"] == [0, 1]
