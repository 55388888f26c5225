"""``mien data list``."""

from collections.abc import Callable

from typer.testing import Result


def test_every_reader_is_listed(mien: Callable[..., Result]) -> None:
    result = mien("data", "list")
    assert result.exit_code == 0
    assert "\nferplus\texpression, action_units, affect\tFER+ (Barsoum et al. 2016)" in result.output
    assert "\ndigits\t" in result.output
    assert "\nfiles\t" not in result.output
