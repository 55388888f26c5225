"""``mien data merge``: one manifest of several."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from typer.testing import Result

from mien.learn.data.manifest import read_manifest


def test_two_become_one(
    mien: Callable[..., Result],
    refused: Callable[..., str],
    folder: Path,
    tmp_path: Path,
    make_set: Callable[..., Path],
) -> None:
    other, out = make_set(tmp_path / "other", [{"AU01": 1}], np.zeros((1, 2, 2, 1), np.uint8)), tmp_path / "out"
    words = ("data", "merge", folder, other, out)
    assert mien(*words).output == f"21 rows in {out}\n"
    assert len(read_manifest(out)) == 21
    assert refused(*words) == f"{out / 'manifest.parquet'}: already exists (use --overwrite to replace it)"
    assert mien(*words, "--overwrite").exit_code == 0
    assert refused("data", "merge", folder, out) == "mien data merge needs two manifests or more, and a folder"
    assert "choose another folder" in refused("data", "merge", folder, other, folder)
