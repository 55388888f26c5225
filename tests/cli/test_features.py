"""``mien features``: the manifest it writes, and what it refuses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from mien.learn.data.manifest import read_manifest

OWN = """
from torch import nn
from mien.learn.models.network import Network
from mien.learn.models.preprocessing import Preprocessing


class Middle(nn.Module):
    width = 3

    def forward(self, x):
        return x[:, :, 4, 4]


class Dot(Network):
    def __init__(self, *, tasks, weights: str | None = None):
        super().__init__(tasks=tasks, preprocessing=Preprocessing(side=8), trunk=Middle(), weights=weights)

    def load_pretrained(self):
        pass
"""


def test_features_replace_the_pictures(
    mien: Callable[..., Result], refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_dot.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    digits, out = tmp_path / "digits", tmp_path / "out"
    mien("data", "import", "digits", digits)
    words = ("features", "own_dot.Dot: {weights: some.file}", digits, out)
    result = mien(*words)
    assert result.exit_code == 0
    assert f"1797 feature vectors in {out}: 1078 train" in result.output
    before, after = read_manifest(digits), read_manifest(out)
    rows = np.arange(1797)
    assert np.allclose(after.images(rows)[:, 0], before.images(rows)[:, 0, 4, 4] / 127.5 - 1, atol=1e-6)
    assert refused(*words) == f"{out / 'manifest.parquet'}: already exists (use --overwrite to replace it)"
    assert mien(*words, "--overwrite").exit_code == 0
    assert "choose another folder" in refused(*words[:-1], digits)


def test_flip_averages_with_the_mirror_image(
    mien: Callable[..., Result], affect_checkpoint: Path, moving_faces: Path, tmp_path: Path
) -> None:
    plain, flipped = tmp_path / "plain", tmp_path / "flipped"
    assert mien("features", affect_checkpoint, moving_faces, plain).exit_code == 0
    assert mien("features", affect_checkpoint, moving_faces, flipped, "--flip").exit_code == 0
    rows = np.arange(60)
    assert not np.allclose(read_manifest(plain).images(rows), read_manifest(flipped).images(rows))
    assert read_manifest(flipped).metadata["features"]["flip"] is True


def test_a_wrong_folder_leaves_nothing(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "no such file" in refused("features", "NoNet", tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
