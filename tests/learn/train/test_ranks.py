"""Two processes end with the weights of one, however the labels fall to them."""

import csv
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from mien.learn.batch import Batch
from mien.learn.data.batches.mixing import LabelledSet, Mixing
from mien.learn.data.manifest import read_manifest
from mien.learn.recipe import parse
from mien.learn.train.trainer import Trainer
from mien.tasks import EXPRESSION, FACE

N, SIZE, EPOCHS = 36, 6, 2


@pytest.fixture
def recipe(make_set: Callable[..., Path], tiny_module: Path, tmp_path: Path) -> dict[str, Any]:
    """Labels so few that most steps split them unequally between two ranks."""
    generator = np.random.default_rng(7)
    rows: list[dict[str, Any]] = []
    for _ in range(N):
        row: dict[str, Any] = {}
        if generator.random() < 0.5:
            row["expression"] = EXPRESSION.labels[generator.integers(7)]
        if generator.random() < 0.4:
            row |= {"valence": generator.uniform(-1, 1), "arousal": generator.uniform(-1, 1)}
        if generator.random() < 0.15:
            row |= {f"AU{number:02}": float(generator.integers(2)) for number in (1, 2, 5, 25, 26)}
        rows.append(row)
    crops = generator.integers(0, 256, (N, 16, 16, 1), np.uint8).repeat(7, 1).repeat(7, 2)
    folder = make_set(
        tmp_path / "set", [*rows, {"split": "valid", "expression": "fear"}], np.concatenate([crops, crops[:1]])
    )
    return {
        "name": "ranks",
        "network": {"own_network.Tiny": {}},
        "data": [{"manifest": str(folder)}],
        "validation": {"manifest": str(folder), "split": "valid"},
        "batch_size": SIZE,
        "augmentation": dict.fromkeys(("flip", "rotate", "shift", "scale", "light", "erase"), 0),
        "couplings": ["DistributionMatching", "CoAnnotation", "SoftCoAnnotation"],
        "optimizer": {"rate": 0.5, "momentum": 0.9, "clip": 0.5},
        "epochs": EPOCHS,
    }


def shares(recipe: dict[str, Any]) -> list[list[Batch]]:
    """For each step the batches of two ranks."""
    manifest = read_manifest(recipe["data"][0]["manifest"]).split("train")
    ranks = [Mixing([LabelledSet(manifest, None, SIZE)], FACE, 0, rank=rank, world=2) for rank in (0, 1)]
    return [[rank.batch(step) for rank in ranks] for step in range(ranks[0].steps_per_epoch * EPOCHS)]


def test_the_labels_fall_to_the_ranks_in_every_awkward_way(recipe: dict[str, Any]) -> None:
    splits = [[[int(batch.mask[task.name].any(-1).sum() if task.name != "expression" else batch.mask[task.name].sum())
                for batch in step] for step in shares(recipe)] for task in FACE]  # fmt: skip
    for counts in splits:
        assert any(first != second for first, second in counts)
    every = [tuple(sorted(counts)) for task in splits for counts in task]
    assert any(low == 0 < high for low, high in every), "absent on one rank"
    assert (0, 0) in every, "absent on both"
    assert any(tuple(sorted(counts)) == (1, 2) or tuple(sorted(counts)) == (1, 3) for counts in splits[2])


def test_two_ranks_end_with_the_weights_of_one(
    recipe: dict[str, Any], tiny_module: Path, train_apart: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ranks = [
        train_apart(
            path,
            tmp_path / "two",
            path=str(tiny_module),
            RANK=str(rank),
            LOCAL_RANK=str(rank),
            WORLD_SIZE="2",
            LOCAL_WORLD_SIZE="2",
            MASTER_ADDR="127.0.0.1",
            MASTER_PORT=str(port),
            ACCELERATE_USE_CPU="true",
        )
        for rank in (0, 1)
    ]
    Trainer.of(parse(recipe), tmp_path / "one").train()
    for process in ranks:
        errors = process.communicate(timeout=120)[1]
        assert process.returncode == 0, errors
    one, two = (load_file(tmp_path / name / "last/network.safetensors") for name in ("one", "two"))
    start = parse(recipe)
    torch.manual_seed(0)
    untrained = start.network.build(tasks=FACE).state_dict()
    assert set(one) == set(two) == set(untrained)
    for name, weights in one.items():
        assert torch.allclose(two[name], weights, atol=1e-5, rtol=0), name
        assert not torch.allclose(untrained[name], weights, atol=1e-2, rtol=0), name
    rows = []
    for name in ("one", "two"):
        with (tmp_path / name / "log.csv").open(newline="") as lines:
            rows.append(list(csv.DictReader(lines)))
    for first, second in zip(*rows, strict=True):
        assert first.keys() == second.keys()
        assert [float(value) for value in second.values()] == pytest.approx(
            [float(value) for value in first.values()], abs=1e-5
        )
