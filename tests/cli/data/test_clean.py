"""``mien data clean``: rules, what they exclude, and how they are reverted."""

from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from mien.learn.data.manifest import read_manifest


def test_rules_exclude_rows_and_are_reverted(
    mien: Callable[..., Result], refused: Callable[..., str], folder: Path
) -> None:
    assert mien("data", "clean", folder).output == "no steps\n"
    result = mien("data", "clean", folder, "--rule", "affect_consistency", "--rule", "every_fifth_frame")
    assert result.exit_code == 0
    assert "affect_consistency: 1 rows excluded\n" in result.output
    assert "  1 happiness without positive valence\n" in result.output
    assert "every_fifth_frame: 9 rows excluded\n" in result.output
    assert len(read_manifest(folder)) == 10
    assert mien("data", "clean", folder).output == result.output
    assert "9 more rows are excluded by every_fifth_frame" in mien("data", "stats", folder).output
    assert mien("data", "clean", folder, "--undo", "every_fifth_frame").exit_code == 0
    assert len(read_manifest(folder)) == 19
    reason = refused("data", "clean", folder, "--rule", "affect_consistent")
    assert reason == "--rule affect_consistent: no such rule; did you mean affect_consistency?"
