"""Two processes find the weights of one, for every split of the labels between them."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mien.learn.balancing.balancer import single_process

SCRIPT = Path(__file__).with_name("balance_apart.py")
PROGRAM = runpy.run_path(str(SCRIPT))


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The results of two processes with each balancer."""
    folder = tmp_path_factory.mktemp("ranks")
    results = [folder / f"{rank}.json" for rank in (0, 1)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(rank), "2", str(folder / "store"), str(result)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, result in enumerate(results)
    ]
    for process in processes:
        errors = process.communicate(timeout=120)[1]
        assert process.returncode == 0, errors
    return [json.loads(result.read_text()) for result in results]


def test_labels_are_split_unevenly_between_the_ranks() -> None:
    splits = {
        (sum(row < 4 for row in rows), sum(row >= 4 for row in rows))
        for labelled in PROGRAM["LABELLED"]
        for rows in labelled.values()
    }
    assert {(0, 0), (2, 0), (0, 3), (0, 1), (3, 1)} <= splits


@pytest.mark.parametrize("name", PROGRAM["BALANCERS"])
def test_two_processes_find_the_weights_of_one(name: str, ranks: list[dict[str, Any]]) -> None:
    one = PROGRAM["train"](name, range(PROGRAM["ROWS"]), 1, single_process)
    assert ranks[0][name] == ranks[1][name], "bit-identical on both"
    for found, expected in zip(ranks[0][name]["weights"], one["weights"], strict=True):
        assert found == pytest.approx(expected, abs=1e-5)
    assert ranks[0][name]["network"] == pytest.approx(one["network"], abs=1e-5)
    assert len({tuple(weights.values()) for weights in one["weights"]}) > 3, "the weights move"
