"""``mien data stats``: what it counts and draws."""

from collections.abc import Callable
from pathlib import Path

from typer.testing import Result


def test_counts_and_plot(
    mien: Callable[..., Result], refused: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    plot = tmp_path / "plot.png"
    result = mien("data", "stats", folder, "--plot", plot)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:3] == [f"20 pictures in {folder}: 20 train", "10 subjects", "10 videos"]
    assert "task\tlabel\tknown\tpositive" in lines
    assert "expression\thappiness\t20\t10" in lines
    assert "affect\tvalence\t20\t" in lines
    assert "expression\t20\t20\t20" in lines
    head = "action_units, positive/known, by expression\tneutral\thappiness\tsadness\tfear\tanger\tsurprise\tdisgust"
    assert head in lines
    assert "AU12\t0/0\t10/10\t0/10\t0/0\t0/0\t0/0\t0/0" in lines
    assert plot.stat().st_size > 1000
    again = refused("data", "stats", folder, "--plot", plot)
    assert again == f"{plot}: already exists (use --overwrite to replace it)"
    assert mien("data", "stats", folder, "--plot", plot, "--overwrite").exit_code == 0
    assert mien("data", "stats", folder, "--plot", tmp_path / "plot.xyz").exit_code == 2
