"""Two processes with a critic end with the weights of one."""

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from accelerate import Accelerator
from safetensors.torch import load_file

from mien.learn.recipe import parse
from mien.learn.train.adversary import across_ranks
from mien.learn.train.trainer import Trainer


@pytest.mark.parametrize(
    ("against", "changes"),
    [({}, {}), ({"forward": "shared"}, {"micro_batches": 2}), ({"order": ["regression", "critic", "adversarial"]}, {})],
    ids=["exact", "shared in parts", "released order"],
)
def test_two_ranks_end_with_the_weights_of_one(
    against: dict[str, Any],
    changes: dict[str, Any],
    caf_recipe: Callable[..., dict[str, Any]],
    train_apart: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
) -> None:
    """A batch of 9 gives one rank 5 rows and the other 4, and often one of them no strong one."""
    data = caf_recipe(against, batch_size=9, optimizer={"kind": "adam", "rate": 0.01, "weight_decay": 0}, **changes)
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(data))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    world = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    ranks = [
        train_apart(path, tmp_path / "two", RANK=str(rank), LOCAL_RANK=str(rank), ACCELERATE_USE_CPU="true", **world)
        for rank in (0, 1)
    ]
    one = Trainer.of(parse(data), tmp_path / "one")
    one.train()
    for process in ranks:
        errors = process.communicate(timeout=120)[1]
        assert process.returncode == 0, errors
    for name in ("network", "critic"):
        alone, both = (load_file(tmp_path / run / f"last/{name}.safetensors") for run in ("one", "two"))
        for key, value in alone.items():
            torch.testing.assert_close(both[key], value, rtol=0, atol=1e-4, msg=f"{name} {key}")


def test_one_rank_s_rows_are_all_rows() -> None:
    rows = torch.randn(3, 2, requires_grad=True)
    assert across_ranks(rows, Accelerator()) is rows
