"""What the tests of commands share: how a command is called, and a small network with the faces it was trained on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mien.cli.app import app
from mien.learn.recipe import parse
from mien.learn.train.trainer import Trainer
from mien.tasks import AFFECT, EXPRESSION


@pytest.fixture(scope="session")
def mien() -> Callable[..., Result]:
    """``mien("data", "check", folder)``: the result of a command; an error that it does not handle is raised."""

    def run(*words: object) -> Result:
        result = CliRunner().invoke(app, [str(word) for word in words], prog_name="mien")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture(scope="session")
def refused(mien: Callable[..., Result]) -> Callable[..., str]:
    """``refused("data", "check", folder)``: the one line with which a command ends, with status 2."""

    def run(*words: object) -> str:
        result = mien(*words)
        assert result.exit_code == 2, result.output
        assert result.stderr.startswith("mien: ")
        assert result.stderr.count("\n") == 1, result.stderr
        return str(result.stderr.removeprefix("mien: ").removesuffix("\n"))

    return run


@pytest.fixture(scope="session")
def moving_faces(make_set: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 crops of 16 pixels of three persons in two videos each, valence and arousal in their colours."""
    draw = np.random.default_rng(0)
    affect = draw.uniform(-1, 1, (60, 2))
    crops = draw.normal(128, 5, (60, 16, 16, 3))
    crops[..., :2] += 80 * affect[:, None, None, :]
    rows = [
        {"split": "test" if row % 2 else "train", "valence": float(v), "arousal": float(a)}
        | {"subject": f"p{row % 3}", "video": f"v{row % 6}", "frame": 59 - row}
        for row, (v, a) in enumerate(affect)
    ]
    return make_set(tmp_path_factory.mktemp("faces"), rows, crops.clip(0, 255).astype(np.uint8), (AFFECT, EXPRESSION))


@pytest.fixture(scope="session")
def affect_checkpoint(moving_faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that was trained on them for an epoch."""
    folder = tmp_path_factory.mktemp("run")
    network = {"FaceBehaviorNet": {"width": 8, "depth": [1], "side": 16}}
    data = [{"manifest": str(moving_faces)}]
    recipe = {"name": "tiny", "network": network, "tasks": ["affect"], "data": data, "epochs": 1, "batch_size": 10}
    Trainer.of(parse({**recipe, "validation": {"manifest": str(moving_faces), "split": "test"}}), folder).train()
    return folder / "last"
