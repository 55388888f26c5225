"""Tiny labelled sets, random partial batches, and a program that trains in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState, PartialState
from torch import Tensor

from mien.learn.batch import Batch, collate
from mien.learn.data.manifest import MANIFEST, PACK, write_manifest
from mien.tasks import ACTION_UNITS, EXPRESSION, FACE, Task

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _one_thread_and_a_fresh_accelerate() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    AcceleratorState._reset_state()
    PartialState._reset_state()


def random_columns(seed: int, n: int) -> dict[str, np.ndarray]:
    """Labels of every task with about half of them missing; the first two rows lack none, the last has none."""
    generator = np.random.default_rng(seed)
    columns = {
        "expression": generator.integers(0, len(EXPRESSION), n).astype(np.float32),
        "action_units": generator.integers(0, 2, (n, len(ACTION_UNITS))).astype(np.float32),
        "affect": generator.uniform(-1, 1, (n, 2)).astype(np.float32),
    }
    for column in columns.values():
        missing = generator.random(column.shape) < 0.5
        missing[:2], missing[-1] = False, True
        column[missing] = np.nan
    return columns


@pytest.fixture
def columns() -> Callable[[int, int], dict[str, np.ndarray]]:
    return random_columns


@pytest.fixture
def partial_batch() -> Callable[..., Batch]:
    """``partial_batch(seed, n)``: a random batch of faces in which half of the labels are missing."""

    def make(seed: int = 0, n: int = 12, columns: dict[str, np.ndarray] | None = None) -> Batch:
        return collate(np.zeros((n, 1, 112, 112), np.uint8), columns or random_columns(seed, n), FACE)

    return make


@pytest.fixture
def random_outputs() -> Callable[..., dict[str, Tensor]]:
    """``random_outputs(seed, n)``: logits of every face task that want a gradient."""

    def make(seed: int = 0, n: int = 12, scale: float = 2.0) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        return {task.name: (torch.randn(n, len(task), generator=generator) * scale).requires_grad_() for task in FACE}

    return make


def write_set(
    folder: Path, rows: Sequence[dict[str, Any]], crops: np.ndarray, tasks: Sequence[Task] = FACE, **facts: Any
) -> Path:
    """A manifest and its pack; rows get their path and their place in the pack."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / PACK, crops)
    rows = [{"path": f"{index}.png", "split": "train", "crop": index, **row} for index, row in enumerate(rows)]
    write_manifest(folder / MANIFEST, rows, tasks, facts)
    return folder


@pytest.fixture(scope="session")
def make_set() -> Callable[..., Path]:
    return write_set


SHOWN = ("neutral", "happiness", "surprise")


@pytest.fixture(scope="session")
def easy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 + 24 grey crops that are easy to read.

    No stripes, lying or standing ones are the expression, black dots are AU12, and the brightness is the valence.
    A third of the training labels is missing.
    """
    generator = np.random.default_rng(0)
    rows, crops = [], []
    for index in range(72):
        train = index < 48
        kind, smile = index % 3, generator.random() < 0.5
        valence = generator.uniform(-1, 1)
        stripes = 40.0 * np.sign(np.sin(np.arange(112) * np.pi / 8))
        crop = np.full((112, 112, 1), 128 + 60 * valence)
        crop += (0.0, stripes[:, None, None], stripes[None, :, None])[kind]
        if smile:
            crop.reshape(14, 8, 14, 8)[:, :4, :, :4] = 0
        crops.append(np.clip(crop + generator.normal(0, 5, crop.shape), 0, 255).astype(np.uint8))
        row = {"expression": SHOWN[kind], "AU12": float(smile), "valence": valence}
        if train:
            row = {name: None if generator.random() < 1 / 3 else value for name, value in row.items()}
        rows.append({"split": "train" if train else "valid", **row})
    return write_set(tmp_path_factory.mktemp("easy"), rows, np.stack(crops))


@pytest.fixture
def plain_recipe(easy: Path) -> Callable[..., dict[str, Any]]:
    """The data of a recipe that trains a tiny network on the easy set; keywords replace its keys."""

    def make(**changes: Any) -> dict[str, Any]:
        return {
            "name": "tiny",
            "network": {"FaceBehaviorNet": {"width": 8, "depth": [1, 1]}},
            "data": [{"manifest": str(easy)}],
            "validation": {"manifest": str(easy), "split": "valid"},
            "batch_size": 16,
            "augmentation": {"flip": 0.5, "rotate": 5, "shift": 0.05, "scale": 0.05, "light": 0.1, "erase": 0.5},
            "epochs": 2,
        } | changes

    return make


TINY = '''
"""A network without batch normalisation: what several processes compute must be what one computes."""
import torch
from torch import nn
from torch.nn.functional import avg_pool2d
from mien.learn.models.preprocessing import Preprocessing


class Tiny(nn.Module):
    def __init__(self, *, tasks, side: int = 7):
        super().__init__()
        self.preprocessing = Preprocessing()
        self.body = nn.Linear(side * side, 8)
        self.heads = nn.ModuleDict({task.name: nn.Linear(8, len(task)) for task in tasks})
        self.side = side

    def forward(self, crops):
        x = avg_pool2d(self.preprocessing(crops)[:, :1], 112 // self.side).flatten(1)
        x = self.body(x).tanh()
        return {name: head(x) for name, head in self.heads.items()}
'''


@pytest.fixture
def tiny_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with ``own_network.Tiny``, as a user would have it."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "own_network.py").write_text(TINY)
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def train_apart() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """``train_apart(recipe, folder, **environment)``: the same training in a process of its own."""
    started = []

    def start(recipe: Path, folder: Path, *options: str, path: str = "", **environment: str) -> subprocess.Popen[str]:
        places = os.pathsep.join([path, *(place for place in sys.path if place)])
        started.append(
            subprocess.Popen(
                [sys.executable, str(HERE / "train_apart.py"), str(recipe), str(folder), *options],
                env=os.environ | {"PYTHONPATH": places, "OMP_NUM_THREADS": "1"} | environment,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
