"""``mien study``: from its file to its report, and on from what is finished."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import Result

Plain = Callable[..., dict[str, Any]]


@pytest.fixture
def mien(
    mien: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str]]:
    """Exit status and all that is printed, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[int, str]:
        result = mien(*words)
        return result.exit_code, result.output

    return run


def test_a_study(plain_study: Plain, mien: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    settings = {"single-task": {"each_task": True}, "multi-task": {}, "bad": {"change": {"optimizer.rate": 1e30}}}
    settings["bad"]["change"]["optimizer.clip"] = None  # type: ignore[index]
    file = Path("study.yaml")
    file.write_text(yaml.safe_dump(plain_study(settings=settings, metrics=["category.f1"])))
    status, output = mien("study", file, "--only", "multi-task")
    assert status == 0, output
    assert "multi-task time0-fold1: category.accuracy 0." in output
    status, output = mien("study", file)
    assert status == 1
    assert "multi-task time0" not in output, "it is finished"
    assert "mien: bad time0-fold0: the loss " in output
    assert "single-task\t2\t" in output
    page = Path("runs/toy/report.md").read_text()
    assert "`mien study study.yaml`, 1 x 2-fold cross-validation." in page
    assert "- bad time0-fold1: the loss " in page
    Path("runs/toy/report.md").unlink()
    assert mien("study", file, "--report")[0] == 0
    assert Path("runs/toy/report.md").read_text() == page


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metrics": ["category.acuracy"]}, "metrics: the validation has no metric category.acuracy; did you mean"),
        ({"repeat": {"folds": 2, "group": "person"}}, "settings.single-task: .* has no column person"),
        (
            {"settings": {"a": {"change": {"weights.trait": 1}}, "b": {"change": {"tasks": ["colour"]}}}},
            "settings.a: weights.trait: .*did you mean traits(?s:.*)settings.b: tasks: no manifest has the task colour",
        ),
    ],
)
def test_errors_are_reported_before_anything_runs(
    plain_study: Plain, mien: Callable[..., tuple[int, str]], changes: dict[str, Any], reason: str
) -> None:
    import re

    Path("study.yaml").write_text(yaml.safe_dump(plain_study(**changes)))
    status, output = mien("study", "study.yaml")
    assert status == 2
    assert re.search(reason, output), output
    assert not Path("runs").exists()


def test_refusals(plain_study: Plain, mien: Callable[..., tuple[int, str]]) -> None:
    Path("study.yaml").write_text(yaml.safe_dump(plain_study()))
    assert mien("study", "nowhere.yaml") == (
        2,
        "mien: nowhere.yaml: cannot be read (No such file or directory: 'nowhere.yaml')\n",
    )
    status, output = mien("study", "study.yaml", "--only", "singletask")
    assert (status, output) == (2, "mien: --only singletask: no such setting; did you mean single-task?\n")
    assert mien("study", "study.yaml", "--report") == (2, "mien: runs/toy: no run is finished\n")
