"""``mien data check``: its lines and its exit status."""

from collections.abc import Callable
from pathlib import Path

from typer.testing import Result


def test_errors_are_lines_and_a_status(
    mien: Callable[..., Result], refused: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    whole = mien("data", "check", folder, "--pictures")
    assert (whole.exit_code, whole.output) == (0, f"{folder}: 20 rows, no errors\n")
    lacking = mien("data", "check", folder, "--files")
    assert lacking.exit_code == 1
    assert lacking.stdout == ""
    assert "0.png: no such file (20 such pictures)" in lacking.stderr
    refused("data", "check", tmp_path)
