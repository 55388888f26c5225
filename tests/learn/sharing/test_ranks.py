"""Two processes end with the weights of one with Task Routing, AdaShare, and its policy search."""

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

from mien.learn.recipe import parse
from mien.learn.train.policy_search import search
from mien.learn.train.trainer import Trainer
from mien.tasks import Kind, Task

KIND = Task("kind", Kind.CLASSES, ("one", "two", "three"), ("",) * 3)
PARTS = Task("parts", Kind.ATTRIBUTES, ("tail", "wings"), ("",) * 2)
SIZE = Task("size", Kind.CONTINUOUS, ("length",), ("",))

SHARED = {
    "routing": {"TaskRouting": {"sharing": 0.3}},
    # no task selects the second block
    "policy": {"AdaShare": {"policy": [[True, False, True], [False] * 3, [True, True, False]]}},
    # no sharing loss: its gradient jumps where alpha is equal, and rounding decides to which side
    "search": {"AdaShare": {"search_epochs": 3, "warmup_epochs": 1, "policy_rate": 0.1, "sharing": 0}},
}

EACH = """
import sys
from pathlib import Path
import torch
from mien.learn.train.policy_search import search
from mien.learn.recipe import load
from mien.learn.train.trainer import Trainer
torch.set_num_threads(1)
for path in sys.argv[1:]:
    recipe, folder = load(path), Path(path).parent / "two" / Path(path).stem
    if Path(path).stem == "search":
        search(recipe, folder)
    else:
        Trainer.of(recipe, folder).train()
torch.distributed.destroy_process_group()
"""


@pytest.fixture
def recipes(make_set: Callable[..., Path], tmp_path: Path) -> dict[str, dict[str, Any]]:
    """Few labels, which most steps split unequally between two ranks; a network without batch normalisation."""
    generator = np.random.default_rng(3)
    rows: list[dict[str, Any]] = []
    for _ in range(30):
        row: dict[str, Any] = {}
        if generator.random() < 0.5:
            row["kind"] = KIND.labels[generator.integers(3)]
        if generator.random() < 0.2:
            row |= {"tail": float(generator.integers(2)), "wings": float(generator.integers(2))}
        if generator.random() < 0.6:
            row["length"] = float(generator.uniform(-1, 1))
        rows.append(row)
    features = generator.normal(size=(31, 5)).astype(np.float32)
    folder = make_set(tmp_path / "set", [*rows, {"split": "valid", "kind": "two"}], features, (KIND, PARTS, SIZE))
    return {
        name: {
            "name": name,
            "network": {"ResidualMLP": {"width": 12, "depth": 3}},
            "sharing": sharing,
            "data": [{"manifest": str(folder)}],
            "validation": {"manifest": str(folder), "split": "valid"},
            "batch_size": 6,
            "optimizer": {"rate": 0.05, "clip": 0.5},
            "epochs": 2,
        }
        for name, sharing in SHARED.items()
    }


def test_two_ranks_end_with_the_weights_of_one(
    recipes: dict[str, dict[str, Any]], apart: Callable[..., list[subprocess.Popen[str]]], tmp_path: Path
) -> None:
    paths = [tmp_path / f"{name}.yaml" for name in recipes]
    for path in paths:
        path.write_text(yaml.safe_dump(recipes[path.stem]))
    (tmp_path / "each.py").write_text(EACH)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ranks = apart(2, port, tmp_path / "each.py", *paths)
    policy = search(parse(recipes["search"]), tmp_path / "one/search")
    for name in ("routing", "policy"):
        Trainer.of(parse(recipes[name]), tmp_path / "one" / name).train()
    for process in ranks:
        errors = process.communicate(timeout=120)[1]
        assert process.returncode == 0, errors
    for name, recipe in recipes.items():
        one, two = (load_file(tmp_path / count / name / "last/network.safetensors") for count in ("one", "two"))
        torch.manual_seed(0)
        moved = 0
        untrained = Trainer.of(parse(recipe), tmp_path / "new" / name).bare.state_dict()
        assert set(one) == set(two) == set(untrained)
        for key, weights in one.items():
            assert torch.allclose(two[key], weights, atol=1e-5, rtol=0), (name, key)
            moved += not torch.allclose(untrained[key], weights, atol=1e-2, rtol=0)
        assert moved > len(one) / 3, name
    assert search(parse(recipes["search"]), tmp_path / "two/search") == policy
