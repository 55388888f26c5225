"""``mien export``: the name of the network, and what it refuses."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from mien.annotate.model import Model
from mien.learn.recipe import parse
from mien.learn.train.trainer import Trainer

Mien = Callable[..., Result]


@pytest.fixture(scope="module")
def checkpoint(easy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    network = {"FaceBehaviorNet": {"width": 8, "depth": [1]}}
    recipe = {"name": "easy", "network": network, "data": [{"manifest": str(easy)}], "batch_size": 16, "steps": 1}
    Trainer.of(parse({**recipe, "validation": {"manifest": str(easy), "split": "valid"}}), folder).train()
    return folder / "last"


def test_the_file_is_named_after_the_recipe_or_as_asked(mien: Mien, checkpoint: Path, tmp_path: Path) -> None:
    own, named = tmp_path / "own.onnx", tmp_path / "named.onnx"
    assert mien("export", checkpoint, own).stdout.startswith(f"{own}: 0.")
    assert mien("export", checkpoint, named, "--name", "mine").exit_code == 0
    assert (Model(own).name, Model(named).name) == ("easy", "mine")


def test_refusals(refused: Callable[..., str], mien: Mien, checkpoint: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.onnx"
    assert "not a checkpoint" in refused("export", tmp_path, own)
    assert refused("export", checkpoint, tmp_path / "x.pt") == f"{tmp_path / 'x.pt'}: the name must end in .onnx"
    own.write_text("mine")
    assert refused("export", checkpoint, own) == f"{own}: already exists (use --overwrite to replace it)"
    assert own.read_text() == "mine"
    assert mien("export", checkpoint, own, "--overwrite").exit_code == 0
    assert Model(own).name == "easy"
